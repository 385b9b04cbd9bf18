import { isFinal, type Job, type RoomcastClient } from "@roomcast/client";
import { useEffect, useRef, type ReactNode } from "react";
import type { EventPage, LoggedEvent } from "../../api.js";
import { useNow } from "../../data/clock.js";
import { usePolled } from "../../data/polled.js";
import { clock, duration } from "../../data/words.js";
import { Panel } from "../../ui/panel.js";

/** What changes a job's state. Its progress and its output, which may be endless, are left in the log. */
const CHANGES = "created,queued,started,cancel_requested,completed,failed,cancelled".replaceAll(/\w+/g, "job.$&");
/** What lies between two changes, a page of the log at a time, is passed over so often: 32 MiB of output. */
const PAGES_MAX = 32;

interface Step {
  readonly at: string;
  readonly title: string;
  readonly about: string;
  readonly status: string;
}

/** How the job got where it stands: each change of its state, and how long it stayed. */
export function Timeline({ job }: { readonly job: Job }): ReactNode {
  const now = useNow();
  const steps = stepsOf(job, useChanges(job));
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

/** The changes that were read so far, and where to read on. */
interface Changes {
  readonly events: readonly LoggedEvent[];
  readonly cursor?: string;
}

function useChanges({ job_id, status, attempt, cancel_requested }: Job): readonly LoggedEvent[] {
  const read = useRef<Changes>({ events: [] });
  const { data, refresh } = usePolled(job_id, async (client, signal) => {
    read.current = await readOn(client, job_id, read.current, signal);
    return read.current.events;
  });
  const state = [status, attempt, cancel_requested].join();
  const asked = useRef(state);
  useEffect(() => {
    if (asked.current === state) return;
    asked.current = state;
    refresh();
  }, [refresh, state]);
  return data ?? [];
}

async function readOn(client: RoomcastClient, id: string, read: Changes, signal: AbortSignal): Promise<Changes> {
  const path = `/jobs/${encodeURIComponent(id)}/events`;
  let { events, cursor } = read;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const query = { types: CHANGES, limit: 1000, since: cursor };
    const page = await client.request<EventPage>(path, { query, signal });
    events = page.reset ? page.events : [...events, ...page.events];
    cursor = page.cursor;
    if (cursor === page.head) break;
  }
  return { events, ...(cursor !== undefined && { cursor }) };
}

/** From the events where they are known, else from what the job remembers. */
function stepsOf(job: Job, events: readonly LoggedEvent[]): readonly Step[] {
  const steps: Step[] = [];
  if (job.created_at && events[0]?.type !== "job.created") {
    steps.push({ at: job.created_at, title: "Created", about: `by ${job.owner}`, status: "queued" });
  }
  let last = "";
  for (const { timestamp, data } of events) {
    const { status, attempt, cancel_requested, message, error, run_at } = data ?? {};
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
      at: timestamp ?? "",
      title: isFirst ? "Created" : titleOf(String(status), Number(attempt), cancel_requested === true),
      about: isFirst ? `by ${job.owner}` : about.filter(Boolean).join(" · "),
      status: String(status),
    });
  }
  if (job.completed_at && steps.at(-1)?.status !== job.status) {
    steps.push({ at: job.completed_at, title: titleOf(job.status, 0, false), about: job.error ?? "", status: job.status });
  }
  return steps;
}

function titleOf(status: string, attempt: number, isCancelling: boolean): string {
  if (status === "running") return isCancelling ? "Cancellation asked for" : `Attempt ${attempt} began`;
  if (status === "queued") return attempt > 0 ? "Queued again" : "Queued";
  return status.charAt(0).toUpperCase() + status.slice(1);
}
