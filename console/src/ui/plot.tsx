import { useId, useState, type PointerEvent, type ReactNode } from "react";
import { SPAN_MS } from "../data/history.js";
import type { Point } from "../data/series.js";
import { clock } from "../data/words.js";

/** The drawing's own units; it is stretched to its box, and lines keep their width. */
const WIDTH = 300;
const HEIGHT = 64;

interface PlotProps {
  readonly title: string;
  readonly points: readonly Point[];
  readonly format: (value: number) => string;
  readonly hint: string;
  /** Whether a value above zero is bad news. */
  readonly isAlarm?: boolean;
}

/** One figure: what it is, and what it was in the last minutes. */
export function Plot({ title, points, format, hint, isAlarm = false }: PlotProps): ReactNode {
  const id = useId();
  const [hovered, setHovered] = useState<number>();
  const values = points.flatMap(({ value }) => (value === undefined ? [] : [value]));
  const most = Math.max(0, ...values);
  const shown = hovered === undefined ? points.at(-1) : points[hovered];
  const value = shown?.value;
  const now = points.at(-1)?.at ?? 0;
  const x = (index: number) => WIDTH - ((now - (points[index]?.at ?? 0)) / SPAN_MS) * WIDTH;
  const point = (event: PointerEvent<SVGSVGElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    setHovered(nearest(points, now - (1 - (event.clientX - box.left) / box.width) * SPAN_MS));
  };
  return (
    <section className="plot" aria-labelledby={id} data-alarm={(isAlarm && (value ?? 0) > 0) || undefined}>
      <h2 id={id}>{title}</h2>
      <p className="plot-value">{value === undefined ? "–" : format(value)}</p>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Now ${value === undefined ? "unknown" : format(value)}, at most ${format(most)} in five minutes`}
        onPointerMove={point}
        onPointerLeave={() => setHovered(undefined)}
      >
        {runs(points).map((run) => (
          <Run key={run[0]} run={run} x={x} y={(at) => heightOf(points[at]?.value ?? 0, most)} />
        ))}
        {hovered !== undefined && <line className="plot-cross" x1={x(hovered)} x2={x(hovered)} y1={0} y2={HEIGHT} />}
      </svg>
      <p className="plot-foot">
        <span>{hovered === undefined || !shown ? hint : clock(shown.at)}</span>
        <span>max {format(most)}</span>
      </p>
    </section>
  );
}

interface RunProps {
  readonly run: readonly number[];
  readonly x: (index: number) => number;
  readonly y: (index: number) => number;
}

/** A stretch without a hole. */
function Run({ run, x, y }: RunProps): ReactNode {
  const line = run.map((index) => `${x(index).toFixed(1)} ${y(index).toFixed(1)}`).join("L");
  const [first = 0, last = 0] = [run[0], run.at(-1)];
  return (
    <>
      <path className="plot-area" d={`M${x(first).toFixed(1)} ${HEIGHT}L${line}L${x(last).toFixed(1)} ${HEIGHT}Z`} />
      <path className="plot-line" d={`M${line}`} vectorEffect="non-scaling-stroke" />
    </>
  );
}

function heightOf(value: number, most: number): number {
  return most === 0 ? HEIGHT - 1 : HEIGHT - 1 - (value / most) * (HEIGHT - 6);
}

/** The index of what was seen next to a moment. */
function nearest(points: readonly Point[], moment: number): number | undefined {
  let found: number | undefined;
  let least = Infinity;
  points.forEach(({ at, value }, index) => {
    const distance = Math.abs(at - moment);
    if (value === undefined || distance > least) return;
    found = index;
    least = distance;
  });
  return found;
}

/** The indices of points that follow each other without a hole. */
function runs(points: readonly Point[]): readonly (readonly number[])[] {
  const found: number[][] = [];
  points.forEach(({ value }, index) => {
    if (value === undefined) return;
    const isNext = points[index - 1]?.value !== undefined;
    if (isNext) found.at(-1)?.push(index);
    else found.push([index]);
  });
  return found;
}
