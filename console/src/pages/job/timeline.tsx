import { isFinal, type Job } from "@roomcast/client";
import type { ReactNode } from "react";
import type { Entry } from "../../data/log.js";
import { useNow } from "../../data/clock.js";
import { clock, duration } from "../../data/words.js";
import { Panel } from "../../ui/panel.js";

interface TimelineProps {
  readonly job: Job;
  readonly entries: readonly Entry[];
}

interface Step {
  readonly at: string;
  readonly title: string;
  readonly about: string;
  readonly status: string;
}

/** How the job got where it stands: each change of its state, and how long it stayed. */
export function Timeline({ job, entries }: TimelineProps): ReactNode {
  const now = useNow();
  const steps = stepsOf(job, entries);
  return (
    <Panel title="Timeline">
      <ol className="timeline">
        {steps.map((step, index) => {
          const next = steps[index + 1]?.at;
          const isLast = next === undefined;
          const until = next !== undefined ? Date.parse(next) : now;
          return (
            <li key={`${step.at} ${index}`} data-status={step.status}>
              <time dateTime={step.at}>{clock(step.at)}</time>
              <span className="timeline-title">{step.title}</span>
              <span className="timeline-about">{step.about}</span>
              {!(isLast && isFinal(job.status)) && (
                <span className="timeline-took">{duration(until - Date.parse(step.at))}</span>
              )}
            </li>
          );
        })}
      </ol>
    </Panel>
  );
}

/** From the events where they are known, else from what the job remembers. */
function stepsOf(job: Job, entries: readonly Entry[]): readonly Step[] {
  const steps: Step[] = [];
  if (job.created_at && entries[0]?.at !== job.created_at) {
    steps.push({ at: job.created_at, title: "Created", about: `by ${job.owner}`, status: "queued" });
  }
  let last = "";
  for (const { name, at, data } of entries) {
    if (name !== "job_update") continue;
    const { status, attempt, cancel_requested, message, error, run_at } = data;
    const state = `${String(status)} ${String(attempt)} ${String(cancel_requested ?? false)}`;
    if (state === last) continue;
    last = state;
    const isFirst = steps.length === 0;
    const about = [
      error,
      (cancel_requested === true || status === "cancelled") && message,
      run_at !== undefined && `not before ${clock(String(run_at))}`,
    ];
    steps.push({
      at,
      title: isFirst ? "Created" : titleOf(String(status), Number(attempt), cancel_requested === true),
      about: isFirst ? `by ${job.owner}` : about.filter(Boolean).join(" · "),
      status: String(status),
    });
  }
  return steps;
}

function titleOf(status: string, attempt: number, isCancelling: boolean): string {
  if (status === "running") return isCancelling ? "Cancellation asked for" : `Attempt ${attempt} began`;
  if (status === "queued") return attempt > 0 ? "Queued again" : "Queued";
  return status.charAt(0).toUpperCase() + status.slice(1);
}
