/** The first wait is drawn up to this: many clients lose an edge at the same moment. */
const FIRST_MS = 300;
/** Nobody waits longer, however long the outage. */
const LONGEST_MS = 30_000;
const GROWTH = 3;

/** Waits between tries: each is drawn between the least and three times the one before. */
export class Backoff {
  #last = 0;

  constructor(private readonly longestMs = LONGEST_MS) {}

  next(): number {
    const most = Math.max(FIRST_MS, this.#last * GROWTH);
    const least = this.#last && FIRST_MS;
    this.#last = Math.min(this.longestMs, least + Math.random() * (most - least));
    return this.#last;
  }

  reset(): void {
    this.#last = 0;
  }
}
