import type { ReactNode } from "react";
import { usePolled } from "../../data/polled.js";
import { Link } from "../../route/link.js";
import { addressOf } from "../../route/route.js";
import { Panel } from "../../ui/panel.js";
import { Answered, Empty } from "../../ui/state.js";
import { JobTable } from "../jobs/job-table.js";

const JOBS = 8;
const EVERY_MS = 3000;

/** Jobs under way, or else the last ones. */
export function UnderWay(): ReactNode {
  const jobs = usePolled(
    "under-way",
    async (client, signal) => {
      const running = await client.listJobs({ status: "running", limit: JOBS }, signal);
      return running.jobs.length > 0
        ? { isRunning: true, ...running }
        : { isRunning: false, ...(await client.listJobs({ limit: JOBS }, signal)) };
    },
    EVERY_MS,
  );
  const title = jobs.data?.isRunning === false ? "Last jobs" : "Jobs under way";
  return (
    <Panel title={title} aside={<Link to={addressOf("/jobs")}>All jobs</Link>}>
      <Answered {...jobs} what="jobs">
        {({ jobs: found }) =>
          found.length > 0 ? (
            <JobTable jobs={found} label={title} />
          ) : (
            <Empty title="No jobs yet">
              Try one: <code>roomcast run -- sh -c 'for i in $(seq 1 50); do echo "step $i/50"; sleep 0.1; done'</code>
            </Empty>
          )
        }
      </Answered>
    </Panel>
  );
}
