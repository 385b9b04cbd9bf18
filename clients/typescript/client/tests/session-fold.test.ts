import { expect, test } from "vitest";
import type { Payload } from "../src/event.js";
import { SessionFold } from "../src/session-fold.js";

/** A session whose graph is at this version, and empty. */
function at(version: number): object {
  const graph = { name: "main", version, nodes: [], links: [], undoable: 0, redoable: 0 };
  const about = { session_id: "s", project_id: "p", name: "", closed: false };
  return { ...about, graphs: [graph], participants: [], participant_count: 0, part: 1, parts: 1 };
}

test("of what was done in a history that is no more nothing is shown, and what is on its way still is", () => {
  const fold = new SessionFold(() => Promise.reject(new Error("there is no save")));
  void fold.apply("session_state", at(56) as Payload);
  const create = (node_id: string) => ({ type: "create_node", node_id, node_type: "box", name: "" }) as const;
  fold.settle(fold.propose("main", create("done")), 57);
  fold.propose("main", create("under way"));
  expect([...(fold.value?.graphs["main"]?.nodes.keys() ?? [])]).toEqual(["done", "under way"]);
  fold.reset({ session: at(3) });
  expect([...(fold.value?.graphs["main"]?.nodes.keys() ?? [])]).toEqual(["under way"]);
  expect(fold.value?.pending).toBe(1);
});
