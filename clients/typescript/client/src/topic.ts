import { Backoff } from "./backoff.js";
import { fromFault, type Fault, type RoomcastError } from "./error.js";
import type { Payload } from "./event.js";
import type { Phase } from "./phase.js";
import { Recent } from "./recent.js";
import { callAll, Listeners } from "./store.js";

/** A topic as it stands. */
export interface TopicState<T> {
  readonly phase: Phase;
  /** What it shows; undefined until there is something. */
  readonly value: T | undefined;
  /** Why it is `closed`, or what the last try met. */
  readonly error?: RoomcastError | undefined;
  /** Of the last event in `value`: whoever reads on from here misses nothing. */
  readonly cursor?: string | undefined;
}

/** What a topic's events add up to. */
export interface Fold<T> {
  /** The same object until something changes. */
  readonly value: T | undefined;
  /** Replaces everything by a snapshot, as the server tells it in a `reset`; by nothing, if it has none. */
  reset(snapshot: unknown): void;
  /**
   * Folds an event in. Where the event does not say enough, reads the rest, and gives what is to be done
   * once that is there; nothing is folded in before.
   */
  apply(name: string, payload: Payload): void | Promise<() => void>;
}

/** A kind of topic: how it is joined, and what its events add up to. */
export interface Kind<T> {
  readonly join: readonly [event: string, argument: object];
  readonly leave: readonly [event: string, argument: object];
  readonly fold: Fold<T>;
  /** Reads the state where joining does not tell all of it. */
  load?(): Promise<Loaded>;
}

/** A snapshot as a fold takes it, which says where it stands. */
export interface Loaded {
  readonly cursor: string;
}

/** A room's last event of one name, as a `reset` tells it. */
interface LastEvent {
  readonly type: string;
  readonly event_id: string;
  readonly data: Payload;
}

/** The way to the server. */
export interface Link {
  readonly isOpen: boolean;
  ask(name: string, argument: object, answered: (answer: unknown) => void): void;
}

/** The answer to a join. */
type Joined =
  | {
      readonly ok: true;
      readonly topic: string;
      readonly cursor: string;
      readonly resumed: boolean;
      readonly head: string;
      readonly reset?: string;
    }
  | { readonly ok: false; readonly error: Fault };

/**
 * One topic, joined once however many look at it.
 *
 * What a join is answered with proves the continuity: resumed after our cursor, or not, and then a
 * snapshot replaces all there was. Until the answer nothing of the topic is let in: it would belong to
 * the join before.
 */
export class Topic<T> {
  /** How many hold it, and what lets it go when nobody does. */
  holders = 0;
  linger: ReturnType<typeof setTimeout> | undefined;
  /** Its full name, once the server has told it. */
  name = "";
  /** This topic alone is closed for good, whatever becomes of the connection. */
  isRefused = false;
  #phase: Phase = "connecting";
  #error: RoomcastError | undefined;
  /** Put together when somebody looks: between two looks there may be many events. */
  #state: TopicState<T> | undefined;
  /** Tells a join from those before it. */
  #turn = 0;
  #isOpen = false;
  #head = "";
  #cursor: string | undefined;
  /** The cursor to be, once all of a snapshot is here; empty while that is not known. */
  #next: string | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;
  readonly #backoff = new Backoff();
  /** What the value has in it. */
  readonly #folded = new Recent();
  /** What readers have been told, whatever became of the value since. */
  readonly #told = new Recent();
  readonly #listeners = new Listeners();
  readonly #readers = new Set<(name: string, payload: Payload) => void>();

  constructor(
    readonly kind: Kind<T>,
    private readonly link: Link,
    cursor?: string,
  ) {
    this.#cursor = cursor;
  }

  get state(): TopicState<T> {
    return (this.#state ??= this.#view());
  }

  subscribe(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Calls back with each event of the log, after it was folded in: no function twice. Snapshots are no events. */
  read(reader: (name: string, payload: Payload) => void): () => void {
    this.#readers.add(reader);
    return () => this.#readers.delete(reader);
  }

  /** Joins, after what was seen last. */
  join(): void {
    if (!this.link.isOpen || this.isRefused) return;
    this.#stop();
    if (this.#cursor === undefined && this.kind.load) void this.#load(this.kind.load());
    else this.#enter();
  }

  lost(phase: Phase, error?: RoomcastError): void {
    if (this.isRefused) return;
    this.#stop();
    this.#tell(phase, error);
  }

  /** Nobody looks at it any more. */
  leave(): void {
    this.#stop();
    if (this.link.isOpen) this.link.ask(...this.kind.leave, () => {});
  }

  receive(name: string, payload: Payload): void {
    if (!this.#isOpen) return;
    if (name === "reset") return this.#reset(payload);
    const isSnapshot = payload.event_id.startsWith("snapshot:");
    if (!isSnapshot && !this.#folded.add(payload.event_id)) return;
    const rest = this.kind.fold.apply(name, payload);
    if (rest) void this.#complete(rest, name, payload);
    else this.#took(name, payload, isSnapshot);
  }

  #took(name: string, payload: Payload, isSnapshot: boolean): void {
    const { cursor } = payload;
    const isReset = isSnapshot && (this.#next ?? this.#cursor) === undefined;
    // What has none is a part of a snapshot, and no place to go on from.
    if (cursor) {
      if (this.#next === undefined) this.#cursor = cursor;
      else this.#next = cursor;
    }
    this.#come(!!cursor && (isReset || cursor === this.#head));
    if (isSnapshot || !this.#told.add(payload.event_id)) return;
    callAll(this.#readers, name, payload);
  }

  /** What an event left out is read before anything after it is let in: by joining again behind it. */
  async #complete(rest: Promise<() => void>, name: string, payload: Payload): Promise<void> {
    this.#stop();
    this.#folded.clear();
    const turn = this.#turn;
    this.#tell("catching_up");
    try {
      const finish = await rest;
      if (turn !== this.#turn) return;
      finish();
      this.#took(name, payload, false);
      this.join();
    } catch (error) {
      if (turn !== this.#turn) return;
      // What is gone by now is part of a fresh state.
      if (!(error as RoomcastError).retryable) this.#cursor = undefined;
      this.#tryAgain(error as RoomcastError);
    }
  }

  /** What it shows was changed from outside. */
  refresh(): void {
    this.#tell(this.#phase, this.#error);
  }

  /** The right ended, or a join was refused. What may be tried again is. */
  refuse(error: RoomcastError): void {
    if (error.retryable) return this.#tryAgain(error);
    this.#stop();
    this.isRefused = true;
    this.#tell("closed", error);
  }

  #tryAgain(error: RoomcastError): void {
    this.#stop();
    this.#tell(this.#phase, error);
    const wait = Math.max(error.retryAfterMs ?? 0, this.#backoff.next());
    this.#again = setTimeout(() => this.join(), wait);
  }

  async #load(loading: Promise<Loaded>): Promise<void> {
    const turn = this.#turn;
    try {
      const snapshot = await loading;
      if (turn !== this.#turn) return;
      this.#replace(snapshot);
      this.#cursor = snapshot.cursor;
      this.#tell("catching_up");
      this.#enter();
    } catch (error) {
      if (turn === this.#turn) this.refuse(error as RoomcastError);
    }
  }

  #enter(): void {
    const turn = ++this.#turn;
    const [event, argument] = this.kind.join;
    // Not awaited: what follows the answer in the same breath must find it done.
    this.link.ask(event, { ...argument, since: this.#cursor }, (answer) => {
      if (turn === this.#turn) this.#joined(answer as Joined);
    });
  }

  #joined(answer: Joined): void {
    if (!answer.ok) return this.refuse(fromFault(answer.error));
    this.name = answer.topic;
    if (!answer.resumed && this.kind.load) return this.#begin();
    this.#isOpen = true;
    this.#backoff.reset();
    this.#head = answer.head;
    if (answer.resumed) return this.#tell(answer.cursor === answer.head ? "live" : "catching_up");
    this.#cursor = undefined;
    // After a reset the old state stands until the snapshot comes, which is next.
    if (!answer.reset) this.#replace(undefined);
    this.#tell("catching_up");
    this.#next = answer.cursor;
    this.#confirm(answer.cursor === answer.head);
  }

  /**
   * A snapshot may be many messages, and only a whole one is a place to go on from. The server does one
   * thing after the other: what answers a later message comes after all of it. By then there may be newer events
   * as well: whether the snapshot stood at the head is known before.
   */
  #confirm(isHead: boolean): void {
    const turn = this.#turn;
    this.link.ask("ping", {}, () => {
      if (turn !== this.#turn) return;
      this.#cursor = this.#next || undefined;
      this.#next = undefined;
      this.#come(isHead && this.#cursor !== undefined);
    });
  }

  /** Whoever was live once stays so, as long as the connection does. */
  #come(isThere: boolean): void {
    this.#tell(isThere || this.#phase === "live" ? "live" : "catching_up");
  }

  #reset(payload: Payload): void {
    if (this.kind.load) return this.#begin();
    this.#replace(payload["snapshot"]);
    // What a room keeps comes once more, to be folded in: it led here, and is told to nobody.
    const { events = [] } = (payload["snapshot"] ?? {}) as { events?: readonly LastEvent[] };
    for (const { event_id } of events) this.#told.add(event_id);
    // Of what comes in parts the last one says where it stands.
    if (this.#next !== undefined) this.#next = payload.cursor;
    else if ((this.#cursor = payload.cursor || undefined)) return this.#tell("live");
    this.#tell("catching_up");
  }

  /** Anew from the whole state, where joining tells a part of it. */
  #begin(): void {
    this.#cursor = undefined;
    this.#tell("catching_up");
    this.join();
  }

  #stop(): void {
    this.#turn += 1;
    this.#isOpen = false;
    this.#next = undefined;
    clearTimeout(this.#again);
  }

  #replace(snapshot: unknown): void {
    this.kind.fold.reset(snapshot);
    this.#folded.clear();
  }

  #tell(phase: Phase, error?: RoomcastError): void {
    this.#phase = phase;
    this.#error = error;
    this.#state = undefined;
    this.#listeners.tell();
  }

  #view(): TopicState<T> {
    const { value } = this.kind.fold;
    const isTold = value !== undefined || this.#phase === "offline" || this.#phase === "closed";
    return {
      phase: isTold ? this.#phase : "connecting",
      value,
      error: this.#error,
      cursor: this.#cursor,
    };
  }
}
