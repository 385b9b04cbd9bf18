import { Backoff } from "./backoff.js";
import type { RoomcastError } from "./error.js";
import type { JobOutput } from "./generated/wire.js";
import { bytes } from "./job-fold.js";
import type { LiveJob } from "./job.js";
import { jobPath, type Rest } from "./rest.js";
import { Listeners, states, type Readable } from "./store.js";

/** What was written before anybody looked: the end of it is read, no more. */
const TAIL_BYTES = 64 * 1024;
/** Longer texts lose their beginning. */
const TEXT_MAX = 256 * 1024;

/** The end of a channel's output, as text. */
export interface OutputState {
  readonly attempt: number;
  readonly text: string;
  /** Whether there was more before it. */
  readonly isCut: boolean;
}

const EMPTY: OutputState = { attempt: 0, text: "", isCut: false };

/**
 * What a job writes, put together by byte offsets: a piece that came already is skipped, and what is
 * missing before a piece is read over REST first, unless it would be cut off again. A new attempt begins
 * a new text.
 */
export class Output implements Readable<OutputState> {
  /** What is to be shown, once there is some of it. */
  #state = EMPTY;
  #shown = EMPTY;
  #next = 0;
  #decoder = new TextDecoder();
  #reading = false;
  #again: ReturnType<typeof setTimeout> | undefined;
  /** Why what is missing cannot be read. */
  #failure: RoomcastError | undefined;
  #stop: (() => void) | undefined;
  readonly #listeners = new Listeners();
  readonly #backoff = new Backoff();

  /** @internal */
  constructor(
    private readonly job: LiveJob,
    private readonly rest: Rest,
    readonly channel: string,
  ) {}

  get(): OutputState {
    return this.#shown;
  }

  subscribe(listener: () => void): () => void {
    const forget = this.#listeners.add(listener);
    this.#stop ??= this.#start();
    return () => {
      if (!forget() || this.#listeners.size > 0) return;
      this.#stop?.();
      this.#stop = undefined;
      clearTimeout(this.#again);
    };
  }

  /**
   * Waits until the job has ended and all that it wrote is here.
   *
   * @throws RoomcastError why it cannot be read, or the signal's reason
   */
  async ended(signal?: AbortSignal): Promise<OutputState> {
    // From here on, not from the job's end: of what was written by then only the end would be read.
    const forget = this.subscribe(() => {});
    try {
      await this.job.ended(signal);
      for await (const state of states(this, signal)) {
        if (this.#next >= this.#size) return state;
        if (this.#failure) throw this.#failure;
      }
      throw signal?.reason;
    } finally {
      forget();
    }
  }

  #start(): () => void {
    const forgetEvents = this.job.on((event) => {
      if (event.name === "job_output") this.#written(event.data);
    });
    const forgetStates = this.job.subscribe(() => this.#follow());
    this.#goOn();
    return () => {
      forgetEvents();
      forgetStates();
    };
  }

  /** The job says how much there is: what has not come by events is read. */
  #follow(): void {
    const job = this.job.get().value;
    if (!job) return;
    const size = this.#size;
    const behind = size - this.#next;
    if (job.attempt !== this.#state.attempt || behind < 0 || behind > TEXT_MAX) {
      this.#begin(job.attempt, size);
    }
    if (size > this.#next) void this.#read();
  }

  /** How much there is, as far as the job says. */
  get #size(): number {
    return this.job.get().value?.output_bytes[this.channel] ?? 0;
  }

  #begin(attempt: number, size: number): void {
    this.#forgive();
    this.#next = Math.max(0, size - TAIL_BYTES);
    this.#decoder = new TextDecoder();
    this.#state = { attempt, text: "", isCut: this.#next > 0 };
    if (!size) this.#show();
  }

  /** What lies before is past its retention. */
  #skip(start: number): void {
    this.#next = start;
    this.#decoder = new TextDecoder();
    this.#state = { ...this.#state, text: "", isCut: true };
    this.#show();
  }

  #written(output: JobOutput): void {
    if (output.channel !== this.channel || output.attempt !== this.#state.attempt) return;
    const skipped = this.#next - output.offset;
    if (skipped >= 0) this.#write(bytes(output).subarray(skipped));
  }

  #write(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#next += piece.length;
    const text = this.#state.text + this.#decoder.decode(piece, { stream: true });
    const isCut = this.#state.isCut || text.length > TEXT_MAX;
    this.#state = { ...this.#state, text: text.slice(-TEXT_MAX), isCut };
    this.#show();
  }

  async #read(): Promise<void> {
    if (this.#reading || this.#again || this.#failure) return;
    this.#reading = true;
    let hasMore = false;
    const { attempt } = this.#state;
    const from = this.#next;
    const query = { channel: this.channel, attempt, from };
    try {
      const path = `${jobPath(this.job.id)}/output`;
      const { piece, start } = await this.rest.ask(path, { query }, async (response) => ({
        piece: new Uint8Array(await response.arrayBuffer()),
        start: Number(response.headers.get("x-offset") ?? from),
      }));
      hasMore = piece.length > 0 || start > from;
      // Meanwhile events may have brought some of it, or another attempt begun.
      if (attempt === this.#state.attempt && from <= this.#next) {
        // And what the job does not say yet comes with the events that say it.
        const end = this.#size;
        if (start > this.#next) this.#skip(Math.min(start, end));
        this.#write(piece.subarray(Math.max(0, this.#next - start), Math.max(0, end - start)));
      }
    } catch (error) {
      if (!(error as RoomcastError).retryable) {
        this.#failure = error as RoomcastError;
        return this.#show();
      }
    } finally {
      this.#reading = false;
    }
    if (!this.#stop) return;
    if (hasMore) {
      this.#backoff.reset();
      return this.#goOn();
    }
    // Nothing, where the job says that there is more: asking at once would bring the same.
    this.#again = setTimeout(() => this.#goOn(), this.#backoff.next());
  }

  #goOn(): void {
    this.#forgive();
    this.#follow();
  }

  /** Whatever failed may be asked for again, and at once. */
  #forgive(): void {
    clearTimeout(this.#again);
    this.#again = this.#failure = undefined;
  }

  #show(): void {
    this.#shown = { ...this.#state };
    this.#listeners.tell();
  }
}
