import { expect, test } from "vitest";
import type { Payload } from "../src/event.js";
import { SessionFold } from "../src/session-fold.js";

/** A part of a session whose graph is at this version, and empty. */
function at(version: number, part = 1, parts = 1): object {
  const graph = { name: "main", version, nodes: [], links: [], undoable: 0, redoable: 0 };
  const about = { session_id: "s", project_id: "p", name: "", closed: false };
  return { ...about, graphs: [graph], participants: [], participant_count: 0, part, parts };
}

/** The nodes that are shown. */
function shown(fold: SessionFold): string[] {
  return [...(fold.value?.graphs["main"]?.nodes.keys() ?? [])];
}

/** A session in which one command is done, and another under way. */
function busy(): SessionFold {
  const fold = new SessionFold(() => Promise.reject(new Error("there is no save")));
  void fold.apply("session_state", at(56) as Payload);
  const create = (node_id: string) => ({ type: "create_node", node_id, node_type: "box", name: "" }) as const;
  fold.settle(fold.propose("main", create("done")), 57);
  fold.propose("main", create("under way"));
  expect(shown(fold)).toEqual(["done", "under way"]);
  return fold;
}

test("of what was done in a history that is no more nothing is shown, and what is on its way still is", () => {
  const fold = busy();
  fold.reset({ session: at(3) });
  expect(shown(fold)).toEqual(["under way"]);
  expect(fold.value?.pending).toBe(1);
});

test("a state in several parts hides nothing that was done until its last part is here", () => {
  const fold = busy();
  fold.reset({ session: at(3, 1, 2) });
  void fold.apply("session_state", at(3, 1, 2) as Payload);
  expect(shown(fold)).toEqual(["done", "under way"]);
  void fold.apply("session_state", at(3, 2, 2) as Payload);
  expect(shown(fold)).toEqual(["under way"]);
});
