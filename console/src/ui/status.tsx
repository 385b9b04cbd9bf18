import type { JobStatus, Phase } from "@roomcast/client";
import type { ReactNode } from "react";

const WORDS: Readonly<Record<JobStatus, string>> = {
  queued: "Queued",
  running: "Running",
  completed: "Completed",
  failed: "Failed",
  cancelled: "Cancelled",
};

interface StatusProps {
  readonly status: JobStatus;
  readonly isCancelling?: boolean;
}

/** A job's status: a word and a mark, so that colour alone says nothing. */
export function Status({ status, isCancelling = false }: StatusProps): ReactNode {
  return (
    <span className="status" data-status={status}>
      {isCancelling ? "Cancelling" : WORDS[status]}
    </span>
  );
}

const PHASES: Readonly<Record<Phase, string>> = {
  idle: "Idle",
  connecting: "Connecting",
  live: "Live",
  catching_up: "Catching up",
  stale: "Stale",
  offline: "Offline",
  closed: "Closed",
};

/** Where what is shown stands. */
export function PhaseMark({ phase }: { readonly phase: Phase }): ReactNode {
  return (
    <span className="phase" data-phase={phase} role="status">
      {PHASES[phase]}
    </span>
  );
}
