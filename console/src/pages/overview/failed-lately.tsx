import type { ReactNode } from "react";
import { usePolled } from "../../data/polled.js";
import { Link } from "../../route/link.js";
import { addressOf } from "../../route/route.js";
import { Panel } from "../../ui/panel.js";
import { Answered, Empty } from "../../ui/state.js";
import { JobTable } from "../jobs/job-table.js";

const JOBS = 5;
const EVERY_MS = 5000;

/** The newest jobs that failed. */
export function FailedLately(): ReactNode {
  const failed = usePolled(
    "failed",
    (client, signal) => client.listJobs({ status: "failed", limit: JOBS }, signal),
    EVERY_MS,
  );
  return (
    <Panel
      title="Failed lately"
      aside={<Link to={addressOf("/jobs", undefined, { status: "failed" })}>All failed</Link>}
    >
      <Answered {...failed} what="jobs">
        {({ jobs }) => (jobs.length > 0 ? <JobTable jobs={jobs} label="Failed jobs" /> : <Empty title="None" />)}
      </Answered>
    </Panel>
  );
}
