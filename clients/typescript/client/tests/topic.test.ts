import { expect, test } from "vitest";
import type { Payload } from "../src/event.js";
import { RoomFold } from "../src/room.js";
import { Topic, type Fold, type Link } from "../src/topic.js";

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

/** Joins at once, and is live, unless a ping is not answered. */
class TestLink implements Link {
  readonly isOpen = true;
  /** The argument of the last join. */
  joined: object | undefined;
  /** Answers the last ping. */
  pong = () => {};

  constructor(private readonly isHeld = false) {}

  ask(name: string, argument: object, answered: (answer: unknown) => void): void {
    if (name === "join") {
      this.joined = argument;
      answered({ ok: true, topic: "room:a", cursor: "0", head: "0", resumed: false });
    } else if (name === "ping") {
      const pong = () => answered({ ok: true });
      if (this.isHeld) this.pong = pong;
      else pong();
    }
  }
}

function topicOf<T>(link: Link, fold: Fold<T>): Topic<T> {
  const topic = new Topic({ join: ["join", {}], leave: ["leave", {}], fold }, link);
  topic.join();
  return topic;
}

function event(cursor: number | string, event_id = `${cursor}`): Payload {
  return { topic: "room:a", cursor: `${cursor}`, event_id } as unknown as Payload;
}

test("a value is put together when somebody looks, not with every event", () => {
  const fold = new CountFold();
  const topic = topicOf(new TestLink(), fold);
  for (let number = 1; number <= 100; number += 1) topic.receive("tick", event(number));
  expect(fold.looks).toBe(0);
  const state = topic.state;
  expect(state).toEqual({ phase: "live", value: 100, cursor: "100" });
  expect(topic.state).toBe(state);
  expect(fold.looks).toBe(1);
  topic.receive("tick", event(101));
  expect(topic.state).toMatchObject({ value: 101, cursor: "101" });
});

test("a reset that comes before a snapshot is known to be whole says where to go on", () => {
  const link = new TestLink(true);
  const topic = topicOf(link, new CountFold());
  topic.receive("reset", event(9, "reset:9"));
  link.pong();
  expect(topic.state.cursor).toBe("9");
  topic.lost("stale");
  topic.join();
  expect(link.joined).toEqual({ since: "9" });
});

test.each([false, true])("a reset in parts is whole with its last one, and not before (asked meanwhile: %s)", (isHeld) => {
  const link = new TestLink(isHeld);
  const topic = topicOf(link, new CountFold());
  topic.receive("reset", event("", "reset:9"));
  topic.receive("session_state", event("", "snapshot:9:1"));
  link.pong();
  expect(topic.state).toEqual({ phase: "catching_up", value: 1 });
  topic.receive("session_state", event(9, "snapshot:9:2"));
  expect(topic.state).toEqual({ phase: "live", value: 2, cursor: "9" });
});

test("an event that comes before a snapshot is known to be whole leaves nothing to catch up with", () => {
  const link = new TestLink(true);
  const topic = topicOf(link, new CountFold());
  topic.receive("tick", event(1));
  link.pong();
  expect(topic.state).toEqual({ phase: "live", value: 1, cursor: "1" });
});

test("after a reset a room has what it keeps, by its names, and who reads is told of none of it", () => {
  const room = topicOf(new TestLink(), new RoomFold());
  const told: string[] = [];
  room.read((_, { event_id }) => told.push(event_id));
  room.receive("headline", event(1));
  const [weather, headline, newest] = [event(8), event(9), event(10)];
  const kept = { weather, headline };
  const events = Object.entries(kept).map(([type, data]) => ({ type, event_id: data.event_id, data }));
  room.receive("reset", { ...event(9, "reset:9"), snapshot: { events } });
  room.receive("weather", weather);
  room.receive("headline", headline);
  expect(room.state).toEqual({ phase: "live", value: kept, cursor: "9" });
  room.receive("headline", newest);
  expect(room.state.value).toEqual({ weather, headline: newest });
  expect(told).toEqual(["1", "10"]);
});
