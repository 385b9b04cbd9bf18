import { isFinal, type Job } from "@roomcast/client";
import { useJob } from "@roomcast/react";
import type { ReactNode } from "react";
import { useLog } from "../data/use-log.js";
import { grpcurl } from "../data/grpcurl.js";
import { Bar } from "../ui/bar.js";
import { Copy } from "../ui/copy.js";
import { Events } from "../ui/events.js";
import { Json } from "../ui/json.js";
import { Page } from "../ui/page.js";
import { Panel } from "../ui/panel.js";
import { Failed, Loading } from "../ui/state.js";
import { PhaseMark, Status } from "../ui/status.js";
import { JobActions } from "./job/actions.js";
import { JobFacts } from "./job/job-facts.js";
import { JobOutput } from "./job/output.js";
import { Timeline } from "./job/timeline.js";
import { Usage } from "./job/usage.js";
import { Watchers } from "./job/watchers.js";

/** One job: all that is known of it, live. */
export function JobPage({ id }: { readonly id: string }): ReactNode {
  const { job, phase, error, isStale } = useJob(id);
  const log = useLog(`job:${id}`, "oldest");
  if (!job) {
    return (
      <Page title={`Job ${id}`} kicker="Job">
        {error ? <Failed error={error} /> : <Loading what="the job" />}
      </Page>
    );
  }
  return (
    <Page
      title={job.kind}
      kicker={
        <>
          Job <code>{job.job_id}</code>
        </>
      }
      aside={
        <>
          <Status status={job.status} isCancelling={job.status === "running" && job.cancel_requested} />
          {!(isFinal(job.status) && phase === "live") && <PhaseMark phase={phase} />}
        </>
      }
      actions={
        <>
          <Copy label="Copy as grpcurl" text={grpcurl("JobService/WatchJob", { job_id: job.job_id })} />
          <JobActions job={job} />
        </>
      }
    >
      <Progress job={job} isStale={isStale} />
      <div className="columns">
        <div className="stack">
          <JobOutput job={job} />
          <Panel title="Events">
            <Events log={log} label="events of the job" empty="Nothing happened yet" />
          </Panel>
        </div>
        <div className="stack">
          <Timeline job={job} />
          <JobFacts job={job} />
          <Usage usage={job.usage} />
          <Watchers topic={`job:${id}`} />
          {job.input !== undefined && job.input !== null && (
            <Panel title="Input">
              <Json value={job.input} label="Input" />
            </Panel>
          )}
        </div>
      </div>
    </Page>
  );
}

function Progress({ job, isStale }: { readonly job: Job; readonly isStale: boolean }): ReactNode {
  const said = [job.stage, job.message].filter(Boolean).join(" · ");
  return (
    <section className="progress" aria-label="Progress">
      <p className="progress-head">
        <span className="progress-percent">{Math.round(job.progress)} %</span>
        <span className="said">{said}</span>
        <Counters counters={job.counters} />
      </p>
      <Bar value={job.progress} status={job.status} label={`Progress of ${job.kind}`} isStale={isStale} />
      {job.error && (
        <p className="note note-bad">
          {job.error} {job.error_code && <code>{job.error_code}</code>}
        </p>
      )}
      {isFinal(job.status) && job.result !== null && <Json value={job.result} label="Result" />}
    </section>
  );
}

function Counters({ counters }: Pick<Job, "counters">): ReactNode {
  const all = Object.entries(counters);
  if (all.length === 0) return null;
  return (
    <span className="counters">
      {all.map(([name, value]) => (
        <span key={name}>
          {name} <strong>{value.toLocaleString("en")}</strong>
        </span>
      ))}
    </span>
  );
}
