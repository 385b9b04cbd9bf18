import { expect, test } from "vitest";
import type { Payload } from "../src/event.js";
import { Topic, type Fold } from "../src/topic.js";

/** Counts events, and how often somebody looks at the count. */
class CountFold implements Fold<number> {
  looks = 0;
  #count = 0;

  get value(): number {
    this.looks += 1;
    return this.#count;
  }

  reset(): void {
    this.#count = 0;
  }

  apply(): void {
    this.#count += 1;
  }
}

/** Joins at once, and is live. */
const LINK = {
  isOpen: true,
  ask(name: string, _: object, answered: (answer: unknown) => void): void {
    const joined = { ok: true, topic: "room:a", cursor: "0", head: "0", resumed: false };
    answered(name === "ping" ? { ok: true } : joined);
  },
};

function event(number: number): Payload {
  return { topic: "room:a", cursor: `${number}`, event_id: `${number}` } as unknown as Payload;
}

test("a value is put together when somebody looks, not with every event", () => {
  const fold = new CountFold();
  const topic = new Topic({ join: ["join", {}], leave: ["leave", {}], fold }, LINK);
  topic.join();
  for (let number = 1; number <= 100; number += 1) topic.receive("tick", event(number));
  expect(fold.looks).toBe(0);
  const state = topic.state;
  expect(state).toEqual({ phase: "live", value: 100, cursor: "100" });
  expect(topic.state).toBe(state);
  expect(fold.looks).toBe(1);
  topic.receive("tick", event(101));
  expect(topic.state).toMatchObject({ value: 101, cursor: "101" });
});
