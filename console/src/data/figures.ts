import { askEdge } from "./edge.js";

/** One look at the edge's metrics. */
export interface Figures {
  /** In the clock of `Date.now()`. */
  readonly at: number;
  /** Sums over all labels, by name. */
  readonly sums: ReadonlyMap<string, number>;
  /** Series as they are written: `name{labels}`. */
  readonly series: ReadonlyMap<string, number>;
}

const LINE = /^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)$/;

/** Reads Prometheus' text. */
export function figuresOf(text: string, at: number): Figures {
  const sums = new Map<string, number>();
  const series = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [, name, labels = "", value] = LINE.exec(line) ?? [];
    if (name === undefined || !Number.isFinite(Number(value))) continue;
    sums.set(name, (sums.get(name) ?? 0) + Number(value));
    series.set(name + labels, Number(value));
  }
  return { at, sums, series };
}

/** Asks the edge. */
export async function readFigures(signal: AbortSignal): Promise<Figures> {
  const text = await askEdge("/metrics", { signal });
  return figuresOf(text, Date.now());
}
