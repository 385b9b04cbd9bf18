import type { Job } from "@roomcast/client";
import type { ReactNode } from "react";
import { Link } from "../../route/link.js";
import { addressOf } from "../../route/route.js";
import { Facts } from "../../ui/facts.js";
import { Moment } from "../../ui/moment.js";
import { Panel } from "../../ui/panel.js";

/** What does not move, or seldom. */
export function JobFacts({ job }: { readonly job: Job }): ReactNode {
  const labels = Object.entries(job.labels).map(([key, value]) => `${key}=${value}`);
  return (
    <Panel title="About">
      <Facts
        facts={[
          ["Owner", job.owner],
          ["Project", job.project_id],
          ["Attempt", job.attempt > 0 ? String(job.attempt) : undefined],
          ["Worker", job.worker_id && <code>{job.worker_id}</code>],
          ["Workers of the kind", job.workers === undefined ? undefined : String(job.workers)],
          ["Priority", job.priority === 0 ? undefined : String(job.priority)],
          ["Labels", labels.length > 0 && labels.join(", ")],
          ["Created", <Moment at={job.created_at} />],
          ["Not before", job.run_at && job.run_at !== job.created_at && <Moment at={job.run_at} />],
          ["Began", job.started_at && <Moment at={job.started_at} />],
          ["Ended", job.completed_at && <Moment at={job.completed_at} />],
          ["Tries again", job.retry_of && <Link to={addressOf("/jobs", job.retry_of)}>{job.retry_of}</Link>],
          ["Trace", job.trace_id && <code>{job.trace_id}</code>],
          ["Topic", <Link to={addressOf("/topics", `job:${job.job_id}`)}>head and retention</Link>],
        ]}
      />
    </Panel>
  );
}
