import type { Envelope, RoomcastClient, RoomcastError } from "@roomcast/client";
import type { EventPage, LoggedEvent } from "../api.js";
import { liveOf, type Followed } from "./followed.js";

/** An event as a log shows it. */
export interface Entry {
  readonly id: string;
  readonly name: string;
  readonly cursor: string;
  readonly at: string;
  readonly trace: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** Of its data, as text. */
  readonly length: number;
}

export interface LogState {
  /** Oldest first. */
  readonly entries: readonly Entry[];
  /** How many were seen, of which the newest are kept. */
  readonly total: number;
  /** Whether what was there before is still being read. */
  readonly isReading: boolean;
  /** Whether there was more before the oldest. */
  readonly isCut: boolean;
  /** Whether there is more after the newest: nothing that comes is shown before that is read, or passed over. */
  readonly isBehind: boolean;
  /** Reads some more of what is behind. */
  readonly readOn: () => void;
  /** Passes over what was not read: from now on. */
  readonly skip: () => void;
  /** Why nothing, or nothing newer, could be read. */
  readonly error: RoomcastError | undefined;
}

/** Where a log begins: with what is retained, or with what comes. */
export type From = "oldest" | "now";

/** What is kept to be looked at: so many, and of long ones, such as output, no more than so much text. */
const ENTRIES_MAX = 1000;
const TEXT_MAX = 8 * 1024 * 1024;
/** Of so many it is remembered that they were seen: more than can come twice, by a page and by the socket. */
const KNOWN_MAX = 20_000;
/** One page of REST, of 1 MiB at most; so many of them are read before somebody asks for more. */
const PAGE_EVENTS = 1000;
const PAGES_MAX = 3;
/** A page that could not be read is tried again after so long. */
const AGAIN_MS = 2000;
/** Events come faster than anybody reads: they are shown together. */
const SHOW_MS = 100;

/**
 * A topic's events: those that were, over REST, and those that come, over the socket. Whenever the socket is live anew
 * the log is read from where it stood, so that no event falls between. A long one is read in parts.
 */
export class Log {
  #state: LogState = {
    entries: [],
    total: 0,
    isReading: true,
    isCut: false,
    isBehind: false,
    readOn: () => this.#readOn(),
    skip: () => this.#skip(),
    error: undefined,
  };
  /** Of the newest entry: what follows it is still to be read. */
  #cursor: string | undefined;
  #isReading = false;
  #mustReadAgain = false;
  #waiting: Entry[] = [];
  #show: ReturnType<typeof setTimeout> | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;
  #stop: (() => void) | undefined;
  #live: Followed | undefined;
  #readOn = () => {};
  readonly #known = new Set<string>();
  readonly #listeners = new Set<() => void>();

  constructor(
    private readonly client: RoomcastClient,
    readonly topic: string,
    private readonly from: From,
  ) {}

  readonly get = (): LogState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    this.#stop ??= this.#start();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#stop?.();
      this.#stop = undefined;
    };
  };

  #start(): () => void {
    const controller = new AbortController();
    const live = (this.#live = liveOf(this.client, this.topic));
    this.#readOn = () => void this.#read(controller.signal);
    const leave = live && this.#join(live);
    // REST says what is wrong with its name.
    if (!live) this.#readOn();
    return () => {
      controller.abort();
      leave?.();
      clearTimeout(this.#show);
      clearTimeout(this.#again);
      this.#show = undefined;
      this.#isReading = this.#mustReadAgain = false;
    };
  }

  #join(live: Followed): () => void {
    let isLive = false;
    const look = () => {
      const { phase, cursor, error } = live.get();
      if (phase === "closed" && error) this.#set({ isReading: false, error });
      const wasLive = isLive;
      isLive = phase === "live";
      if (!isLive || wasLive || this.#state.isBehind) return;
      if (this.from === "now") this.#cursor ??= cursor;
      this.#readOn();
    };
    const ignore = live.on(({ name, data }) => this.#come(entryOf(name, data, data)));
    const forget = live.subscribe(look);
    look();
    return () => {
      ignore();
      forget();
    };
  }

  async #read(signal: AbortSignal): Promise<void> {
    if (this.#isReading) {
      this.#mustReadAgain = true;
      return;
    }
    this.#isReading = true;
    clearTimeout(this.#again);
    // That little is missing after a lost connection is not worth a word.
    if (this.#state.isBehind) this.#set({ isReading: true });
    try {
      do {
        this.#mustReadAgain = false;
        await this.#readPages(signal);
      } while (this.#mustReadAgain);
    } catch (error) {
      if (signal.aborted) return;
      this.#set({ error: error as RoomcastError });
      if ((error as RoomcastError).retryable) this.#again = setTimeout(() => void this.#read(signal), AGAIN_MS);
    }
    this.#isReading = false;
    this.#set({ isReading: false });
    this.#placeWaiting();
  }

  async #readPages(signal: AbortSignal): Promise<void> {
    for (let pages = 0; pages < PAGES_MAX; pages += 1) {
      const path = `/topics/${encodeURIComponent(this.topic)}/events`;
      const query = { since: this.#cursor, limit: PAGE_EVENTS };
      const page = await this.client.request<EventPage>(path, { query, signal });
      if (page.reset) this.#set({ isCut: true });
      this.#place(page.events.map((event) => entryOf(event.name, event.data ?? {}, event)));
      this.#cursor = page.cursor;
      if (this.#state.error) this.#set({ error: undefined });
      if (page.cursor === page.head) return this.#set({ isBehind: false });
    }
    this.#set({ isBehind: true });
  }

  #skip(): void {
    this.#cursor = this.#live?.get().cursor;
    this.#set({ entries: [], isCut: true });
    this.#readOn();
  }

  /** What comes while the past is read follows it. */
  #come(entry: Entry): void {
    if (this.#state.isBehind && !this.#isReading) return;
    this.#waiting.push(entry);
    this.#show ??= setTimeout(() => {
      this.#show = undefined;
      if (!this.#isReading) this.#placeWaiting();
    }, SHOW_MS);
  }

  /** Nothing, where what is before it is still to be read: then it is read with that. */
  #placeWaiting(): void {
    const waiting = this.#waiting.splice(0);
    if (!this.#state.isBehind) this.#place(waiting);
  }

  #place(entries: readonly Entry[]): void {
    const fresh = entries.filter(({ id }) => !this.#known.has(id));
    if (fresh.length === 0) return;
    for (const { id } of fresh) this.#remember(id);
    this.#cursor = fresh.at(-1)?.cursor ?? this.#cursor;
    const all = [...this.#state.entries, ...fresh];
    const kept = newest(all);
    const isCut = this.#state.isCut || kept.length < all.length;
    this.#set({ entries: kept, total: this.#state.total + fresh.length, isCut });
  }

  #remember(id: string): void {
    this.#known.add(id);
    if (this.#known.size <= KNOWN_MAX) return;
    const [oldest] = this.#known;
    if (oldest !== undefined) this.#known.delete(oldest);
  }

  #set(change: Partial<LogState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

/** The last of them that may be kept; one always. */
function newest(entries: readonly Entry[]): readonly Entry[] {
  let text = 0;
  const first = entries.findLastIndex(({ length }, index) => {
    text += length;
    return index < entries.length - 1 && (text > TEXT_MAX || entries.length - index > ENTRIES_MAX);
  });
  return entries.slice(first + 1);
}

/** The envelope stands in the payload over the socket, and beside it over REST. */
function entryOf(name: string, payload: object, envelope: Omit<LoggedEvent, "type" | "name" | "data">): Entry {
  const {
    topic: _,
    cursor: __,
    event_id: ___,
    trace_id: ____,
    timestamp: _____,
    ...data
  } = payload as Partial<Envelope>;
  const { event_id: id, cursor, timestamp, trace_id: trace } = envelope;
  const { length } = JSON.stringify(data);
  return { id, name, cursor, at: timestamp ?? "", trace, data: published(name, data), length };
}

/** In the dashboard's rooms a socket gets the published object apart from what Roomcast adds. */
export function published(name: string, payload: Readonly<Record<string, unknown>>): Entry["data"] {
  const { event, room, data } = payload;
  const isApart = event === name && typeof room === "string" && typeof data === "object" && data !== null;
  return isApart ? (data as Entry["data"]) : payload;
}
