import type { RoomcastError } from "./error.js";
import type { PublishedEvent } from "./event.js";
import { states, type Readable } from "./store.js";
import type { Kind, Topic, TopicState } from "./topic.js";
import type { Topics } from "./topics.js";

const IDLE: TopicState<never> = { phase: "idle", value: undefined };

/**
 * A topic to look at. Making one costs nothing: it is joined while somebody subscribes, reads or
 * iterates, and all who look at the same topic share it.
 */
export class Live<T, E extends { name: string; data: unknown } = PublishedEvent>
  implements Readable<TopicState<T>>, AsyncIterable<TopicState<T>>
{
  /** @internal */
  constructor(
    protected readonly topics: Topics,
    /** What names it: `job:7`, `room:metrics`. */
    readonly key: string,
    private readonly kind: () => Kind<T>,
    /** The state while nobody looks; if it has a value, until there is another. Its cursor is gone on from. */
    readonly idle: TopicState<T> = IDLE,
  ) {}

  get(): TopicState<T> {
    const state = this.topics.find<T>(this.key)?.state ?? this.idle;
    // Who looked before may have been given nothing to begin with.
    return state.phase === "connecting" && !state.value && this.idle.value ? this.idle : state;
  }

  subscribe(listener: () => void): () => void {
    return this.#look((topic) => topic.subscribe(listener));
  }

  /**
   * Calls back with each event of the log: every one after the topic was joined, once and in order.
   * Where the state begins anew (`reset`), what led to it is not told.
   */
  on(reader: (event: E) => void): () => void {
    return this.#look((topic) => topic.read((name, data) => reader({ name, data } as unknown as E)));
  }

  /**
   * Waits for a state. @throws RoomcastError why the topic closed before it, or the signal's reason
   */
  async until(is: (value: T) => boolean, signal?: AbortSignal): Promise<T> {
    for await (const { value, phase, error } of this.states(signal)) {
      if (value !== undefined && is(value)) return value;
      if (phase === "closed") throw error as RoomcastError;
    }
    throw signal?.reason;
  }

  /** Every state there is to see, the newest where they come faster than they are taken. */
  states(signal?: AbortSignal): AsyncGenerator<TopicState<T>, void, void> {
    return states(this, signal);
  }

  [Symbol.asyncIterator](): AsyncGenerator<TopicState<T>, void, void> {
    return this.states();
  }

  #look(watch: (topic: Topic<T>) => () => void): () => void {
    const [topic, release] = this.topics.hold(this.key, this.kind, this.idle.cursor);
    const forget = watch(topic);
    return () => {
      forget();
      release();
    };
  }
}
