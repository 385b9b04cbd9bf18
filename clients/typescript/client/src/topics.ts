import type { Inlet } from "./connection.js";
import { fromFault, RoomcastError, type Fault } from "./error.js";
import type { Payload } from "./event.js";
import type { Phase } from "./phase.js";
import { Topic, type Kind, type Link } from "./topic.js";

/** A topic that nobody looks at stays joined so long: pages that change look away for a moment. */
const LINGER_MS = 1000;

/** Key of the user's own topic, `user:<id>`: the id is in the token. Another's begins with it. */
export const OWN = "user:";

/** The way to the server, which is there while a topic needs it. */
export interface Line extends Link {
  open(): void;
  close(): void;
}

/** All topics of a client, each there while somebody holds it. */
export class Topics implements Inlet {
  readonly #all = new Map<string, Topic<never>>();
  /** Set once, before anything is held. */
  line!: Line;

  /** The topic, if somebody holds it. */
  find<T>(key: string): Topic<T> | undefined {
    return this.#all.get(key) as Topic<T> | undefined;
  }

  /** Holds a topic until the returned function is called, once. */
  hold<T>(key: string, kind: () => Kind<T>, cursor?: string): [Topic<T>, () => void] {
    let topic = this.find<T>(key);
    if (!topic) {
      topic = new Topic(kind(), this.line, cursor);
      this.#all.set(key, topic as unknown as Topic<never>);
      this.line.open();
      topic.join();
    }
    const held = topic as unknown as Topic<never>;
    held.holders += 1;
    clearTimeout(held.linger);
    let isHeld = true;
    const release = () => {
      if (isHeld && --held.holders === 0) this.#leave(key, held);
      isHeld = false;
    };
    return [topic, release];
  }

  connected(): void {
    for (const topic of [...this.#all.values()]) topic.join();
  }

  lost(phase: Phase, error?: RoomcastError): void {
    for (const topic of [...this.#all.values()]) topic.lost(phase, error);
  }

  receive(name: string, payload: Record<string, unknown>): void {
    for (const topic of this.#named(payload["topic"])) topic.receive(name, payload as Payload);
  }

  /** A right that ended is told with the topic that it was to. */
  refused(fault: Fault): void {
    for (const topic of this.#named(fault.topic)) topic.refuse(fromFault(fault));
  }

  /**
   * Those that the server calls so. Not by the key: what a user's topic is called only the server knows, and
   * somebody's own may be held by two keys. A page has few.
   */
  #named(name: unknown): readonly Topic<never>[] {
    return [...this.#all.values()].filter((topic) => topic.name === name);
  }

  #leave(key: string, topic: Topic<never>): void {
    // Whoever looks anew at what was refused asks anew.
    if (topic.isRefused) this.#drop(key, topic);
    else topic.linger = setTimeout(() => this.#drop(key, topic), LINGER_MS);
  }

  #drop(key: string, topic: Topic<never>): void {
    this.#all.delete(key);
    topic.leave();
    if (this.#all.size === 0) this.line.close();
    // A user's topic the server knows once, by whatever key it is held: leaving it took it from the others too.
    if (isList(key)) for (const [other, list] of this.#all) if (isList(other)) list.join();
  }
}

function isList(key: string): boolean {
  return key.startsWith(OWN);
}
