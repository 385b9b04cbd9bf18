import type { Graph, GraphLink } from "@roomcast/client";
import { expect, test } from "vitest";
import { layoutOf } from "../src/data/layers.js";

function graph(ids: readonly string[], links: readonly string[]): Graph {
  const nodes = new Map(
    ids.map((node_id) => [node_id, { node_id, node_type: "box", name: node_id, parent_id: null, properties: {} }]),
  );
  const pairs = links.map((link): GraphLink => {
    const [parent_id = "", node_id = ""] = link.split(">");
    return { parent_id, node_id };
  });
  return { name: "main", version: 1, nodes, links: pairs, undoable: 0, redoable: 0 };
}

const at = (drawn: Graph) => Object.fromEntries(layoutOf(drawn).places);

test("children stand behind the deepest of their parents", () => {
  const places = at(graph(["a", "b", "c"], ["a>b", "b>c", "a>c"]));
  expect(places["a"]?.x).toBeLessThan(places["b"]?.x ?? 0);
  expect(places["b"]?.x).toBeLessThan(places["c"]?.x ?? 0);
});

test("the same graph is drawn the same, however its nodes came", () => {
  const links = ["r>a", "r>b", "a>c", "b>d"];
  expect(at(graph(["r", "a", "b", "c", "d"], links))).toEqual(
    at(graph(["d", "c", "b", "a", "r"], [...links].reverse())),
  );
});

test("no two nodes stand in one place, also in a layer that is folded", () => {
  const ids = Array.from({ length: 60 }, (_, index) => `n${index}`);
  const places = Object.values(
    at(
      graph(
        ["root", ...ids],
        ids.map((id) => `root>${id}`),
      ),
    ),
  );
  expect(new Set(places.map(({ x, y }) => `${x} ${y}`)).size).toBe(61);
});

test("a link that is half here does no harm", () => {
  expect(Object.keys(at(graph(["a"], ["gone>a", "a>gone"])))).toEqual(["a"]);
});

test("siblings stand in the order of their numbers", () => {
  const places = at(graph(["r", "n10", "n9"], ["r>n10", "r>n9"]));
  expect(places["n9"]?.y).toBeLessThan(places["n10"]?.y ?? 0);
});
