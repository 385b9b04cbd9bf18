import { useJobs } from "@roomcast/react";
import type { ReactNode } from "react";

export function JobList({ selected }: { readonly selected: string }): ReactNode {
  const { jobs, isStale } = useJobs();
  if (!jobs) return <p>Loading</p>;
  return (
    <ul data-stale={isStale || undefined}>
      {jobs.map((job) => (
        <li key={job.job_id}>
          <a href={`#${encodeURIComponent(job.job_id)}`} aria-current={job.job_id === selected || undefined}>
            <span>{job.kind}</span>
            <span data-status={job.status}>{job.status}</span>
            <span>{Math.round(job.progress)} %</span>
          </a>
        </li>
      ))}
    </ul>
  );
}
