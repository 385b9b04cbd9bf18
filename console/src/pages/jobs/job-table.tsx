import { isFinal, type Job } from "@roomcast/client";
import { useJobProgress, type JobProgressView } from "@roomcast/react";
import type { ReactNode } from "react";
import { duration, moment } from "../../data/words.js";
import { Link } from "../../route/link.js";
import { addressOf } from "../../route/route.js";
import { Bar } from "../../ui/bar.js";
import { Age } from "../../ui/moment.js";
import { Status } from "../../ui/status.js";
import { Cell, NameCell, NumberCell, Row, Table } from "../../ui/table.js";

interface JobTableProps {
  readonly jobs: readonly Job[];
  readonly label: string;
}

/** Jobs as lines; those under way move by themselves. */
export function JobTable({ jobs, label }: JobTableProps): ReactNode {
  return (
    <Table label={label} columns={["Status", "Job", "Progress", "Owner", "Age#"]}>
      {jobs.map((job) =>
        isFinal(job.status) ? <EndedRow key={job.job_id} job={job} /> : <LiveRow key={job.job_id} job={job} />,
      )}
    </Table>
  );
}

type Shown = Pick<
  JobProgressView,
  "progress" | "message" | "stage" | "attempt" | "failure" | "isCancelling" | "isStale"
> & {
  readonly status: Job["status"];
};

function LiveRow({ job }: { readonly job: Job }): ReactNode {
  const view = useJobProgress(job.job_id, job);
  return <JobRow job={job} shown={{ ...view, status: view.status ?? job.status }} />;
}

/** What has ended is followed no more. */
function EndedRow({ job }: { readonly job: Job }): ReactNode {
  const { status, progress, message, stage, attempt, error } = job;
  const shown: Shown = {
    status,
    progress,
    attempt,
    message: message ?? undefined,
    stage: stage ?? undefined,
    failure: error ?? undefined,
    isCancelling: false,
    isStale: false,
  };
  return <JobRow job={job} shown={shown} />;
}

function JobRow({ job, shown }: { readonly job: Job; readonly shown: Shown }): ReactNode {
  const { status, progress, message, stage, attempt, failure, isCancelling, isStale } = shown;
  const said = failure ?? [stage, message].filter(Boolean).join(" · ");
  return (
    <Row>
      <Cell>
        <Status status={status} isCancelling={isCancelling} />
      </Cell>
      <NameCell>
        <Link data-row to={addressOf("/jobs", job.job_id)}>
          {job.kind}
        </Link>
        <code className="id">{job.job_id}</code>
      </NameCell>
      <Cell className="jobs-progress">
        {status === "running" ? (
          <span className="jobs-bar">
            <Bar value={progress} status={status} label={`Progress of ${job.kind}`} isStale={isStale} />
            <span className="number">{Math.round(progress)} %</span>
          </span>
        ) : (
          <span>{atRest(job, status)}</span>
        )}
        <span className={failure ? "said bad" : "said"}>
          {attempt > 1 && `Attempt ${attempt} · `}
          {said}
        </span>
      </Cell>
      <Cell of="Owner" className="theirs">
        {job.owner}
      </Cell>
      <NumberCell of="Age">
        <Age at={job.created_at} />
      </NumberCell>
    </Row>
  );
}

/** A bar is of those under way; of the others there is something better to say. */
function atRest(job: Job, status: Job["status"]): string {
  const { run_at, created_at, started_at, completed_at, progress } = job;
  if (status === "queued")
    return run_at && run_at !== created_at ? `Not before ${moment(run_at)}` : "Waits for a worker";
  if (started_at === null || completed_at === null) return "";
  const took = duration(Date.parse(completed_at) - Date.parse(started_at));
  return status === "completed" ? `Took ${took}` : `Ended at ${Math.round(progress)} % after ${took}`;
}
