import type { JobStatus } from "@roomcast/client";
import type { ReactNode } from "react";

interface BarProps {
  readonly value: number;
  readonly status: JobStatus | undefined;
  readonly label: string;
  /** Whether what is shown may have been overtaken. */
  readonly isStale?: boolean;
}

/** How far a job is. */
export function Bar({ value, status, label, isStale = false }: BarProps): ReactNode {
  const percent = Math.round(value);
  return (
    <span
      className="bar"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      aria-valuetext={`${percent} %`}
      data-status={status}
      data-stale={isStale || undefined}
    >
      <span className="bar-fill" style={{ inlineSize: `${value}%` }} />
    </span>
  );
}
