import type { Figures } from "./figures.js";

/** A moment and what was measured then; nothing where nothing was seen. */
export interface Point {
  readonly at: number;
  readonly value: number | undefined;
}

type Seen = readonly (Figures | undefined)[];

/** A gauge as it stood. */
export function gauge(seen: Seen, name: string): readonly Point[] {
  return seen.flatMap((figures) => (figures ? [{ at: figures.at, value: figures.sums.get(name) ?? 0 }] : [hole(seen)]));
}

/** How fast counters grew, per second, all of them together. A restart begins anew and is no negative rate. */
export function rate(seen: Seen, ...names: readonly string[]): readonly Point[] {
  const total = (figures: Figures) => names.reduce((sum, name) => sum + (figures.sums.get(name) ?? 0), 0);
  return seen.slice(1).map((figures, index) => {
    const before = seen[index];
    if (!figures || !before) return hole(seen);
    const grown = total(figures) - total(before);
    const seconds = (figures.at - before.at) / 1000;
    return { at: figures.at, value: grown < 0 || seconds <= 0 ? undefined : grown / seconds };
  });
}

/** The newest that was seen. */
export function latest(points: readonly Point[]): number | undefined {
  return points.at(-1)?.value;
}

function hole(seen: Seen): Point {
  return { at: seen.findLast((figures) => figures !== undefined)?.at ?? 0, value: undefined };
}
