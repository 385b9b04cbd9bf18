import type { Job } from "@roomcast/client";
import type { AriaAttributes, ReactNode } from "react";
import { useJobProgress, type JobProgressView } from "./job.js";

/** What makes an element a progress bar to those who cannot see it. */
export interface BarProps extends AriaAttributes {
  readonly role: "progressbar";
}

export interface JobProgressProps {
  readonly jobId: string;
  /** What the job is called, for people. */
  readonly label?: string;
  /** As the server rendered it. */
  readonly initial?: Job;
  readonly className?: string;
  /** Draws it all: spread `bar` over the element that is the bar. */
  readonly children?: (view: JobProgressView, bar: BarProps) => ReactNode;
}

const WORDS = {
  queued: "Waiting",
  running: "Running",
  completed: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
} as const;

/**
 * How far a job is. Plain with `@roomcast/react/style.css`, or drawn by its `children`. Screen readers
 * hear when it begins and ends, and the percentage when they ask.
 */
export function JobProgress(props: JobProgressProps): ReactNode {
  const { jobId, label = "Job", initial, className, children } = props;
  const view = useJobProgress(jobId, initial);
  const bar = barOf(view, label);
  if (children) return children(view, bar);
  const { status, progress, phase, message, stage, failure, isStale } = view;
  const said = failure ?? [stage, message].filter(Boolean).join(" · ");
  const word = wordOf(view);
  return (
    <div
      className={["roomcast-progress", className].filter(Boolean).join(" ")}
      data-status={status}
      data-phase={phase}
      data-stale={isStale || undefined}
    >
      <div className="roomcast-progress-head">
        <span className="roomcast-progress-label">{label}</span>
        <span className="roomcast-progress-status" role="status">{word}</span>
        <span className="roomcast-progress-percent" aria-hidden="true">{Math.round(progress)} %</span>
      </div>
      <div {...bar} className="roomcast-progress-bar">
        <div className="roomcast-progress-fill" style={{ inlineSize: `${progress}%` }} />
      </div>
      <div className="roomcast-progress-said">{said}</div>
    </div>
  );
}

function wordOf({ status, phase, error, isCancelling }: JobProgressView): string {
  if (phase === "closed") return error?.message ?? "Not available";
  if (isCancelling) return "Cancelling";
  return status ? WORDS[status] : "Loading";
}

function barOf(view: JobProgressView, label: string): BarProps {
  const { status, progress, isFinal } = view;
  const isKnown = status !== undefined && status !== "queued";
  return {
    role: "progressbar",
    "aria-label": label,
    "aria-valuemin": 0,
    "aria-valuemax": 100,
    "aria-busy": !isFinal,
    ...(isKnown ? { "aria-valuenow": Math.round(progress) } : {}),
    "aria-valuetext": isKnown ? `${Math.round(progress)} %` : wordOf(view),
  };
}
