/** Something with a state that others watch. States are immutable: a new state is a new object. */
export interface Readable<S> {
  /** The state at this moment. The same object until it changes. */
  get(): S;
  /** Calls back after every change, at most once a frame, until the returned function is called. */
  subscribe(listener: () => void): () => void;
}

/** Every state there is to see, the newest where they come faster than they are taken. */
export async function* states<S>(
  readable: Readable<S>,
  signal?: AbortSignal,
): AsyncGenerator<S, void, void> {
  let wake = () => {};
  const stop = () => wake();
  const forget = readable.subscribe(stop);
  signal?.addEventListener("abort", stop);
  try {
    let seen: S | undefined;
    while (!signal?.aborted) {
      const state = readable.get();
      if (state !== seen) yield (seen = state);
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    forget();
  }
}

/** Changes of less than a frame are told at once as one. */
const FRAME_MS = 16;

/**
 * Calls all that are there, but those that one before took out. One that throws is reported as uncaught, and
 * spoils nothing for the others.
 */
export function callAll<A extends unknown[]>(all: ReadonlySet<(...args: A) => void>, ...args: A): void {
  for (const each of [...all]) {
    if (!all.has(each)) continue;
    try {
      each(...args);
    } catch (error) {
      (globalThis.reportError ?? throwLater)(error);
    }
  }
}

/** Where there is no `reportError`, as in Node. */
function throwLater(error: unknown): void {
  setTimeout(() => {
    throw error;
  });
}

/** Who listens. The first change is told at once, what follows within a frame at the end of it. */
export class Listeners {
  readonly #all = new Set<() => void>();
  #toldAt = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** How many there are. */
  get size(): number {
    return this.#all.size;
  }

  /** What is returned takes it out, and answers whether it was there still. */
  add(listener: () => void): () => boolean {
    // Of its own: the same function may listen twice.
    const own = () => listener();
    this.#all.add(own);
    return () => this.#all.delete(own);
  }

  tell(): void {
    if (this.#timer !== undefined) return;
    const wait = this.#toldAt + FRAME_MS - performance.now();
    if (wait <= 0) this.#now();
    else this.#timer = setTimeout(() => this.#now(), wait);
  }

  #now(): void {
    this.#timer = undefined;
    this.#toldAt = performance.now();
    callAll(this.#all);
  }
}
