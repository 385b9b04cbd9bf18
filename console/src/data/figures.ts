import { credential } from "../credential.js";

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
  const token = credential.get();
  const headers = new Headers(token ? { authorization: `Bearer ${token}` } : {});
  const response = await fetch("/api/v1/metrics", { headers, signal });
  if (!response.ok) throw new Error(`/metrics answered ${response.status}`);
  return figuresOf(await response.text(), Date.now());
}
