import { isFinal } from "@roomcast/client";
import { JobProgress, useJob, useJobOutput } from "@roomcast/react";
import type { ReactNode } from "react";

/** One job: its bar, what it wrote and what it came to. */
export function JobPage({ id }: { readonly id: string }): ReactNode {
  const { job, phase, error, cancel } = useJob(id);
  const output = useJobOutput(id);
  if (phase === "closed" && !job) return <p role="alert">{error?.message}</p>;
  return (
    <article>
      <JobProgress jobId={id} label={job?.kind ?? "Job"} />
      {job && !isFinal(job.status) && (
        <button disabled={job.cancel_requested} onClick={() => void cancel("cancelled on the page")}>
          Cancel
        </button>
      )}
      {output.text && <pre tabIndex={0} aria-label="Output">{output.text}</pre>}
      {job?.result != null && <pre aria-label="Result">{JSON.stringify(job.result, null, 2)}</pre>}
    </article>
  );
}
