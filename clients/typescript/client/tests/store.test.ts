import { expect, test } from "vitest";
import { Listeners } from "../src/store.js";

test("a listener that another one takes out is not told", () => {
  const listeners = new Listeners();
  const told: string[] = [];
  listeners.add(() => {
    told.push("first");
    forget();
  });
  const forget = listeners.add(() => told.push("second"));
  listeners.add(() => told.push("third"));
  listeners.tell();
  expect(told).toEqual(["first", "third"]);
});
