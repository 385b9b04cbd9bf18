import type { Payload } from "./event.js";
import type { Job, JobOutput, JobStatus, JobUpdate, TokenUsage, Usage } from "./generated/wire.js";
import type { Fold } from "./topic.js";

/** What a new attempt begins with. Its worker is not told by events. */
const BEGINNING = {
  message: null,
  stage: null,
  counters: {},
  output_bytes: {},
  error: null,
  error_code: null,
  worker_id: null,
};

/** Whether nothing more can happen to a job. */
export function isFinal(status: JobStatus): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}

/** Folding a job's events gives exactly what REST answers. */
export class JobFold implements Fold<Job> {
  constructor(public value: Job | undefined) {}

  reset(snapshot: unknown): void {
    this.value = snapshot as Job;
  }

  apply(name: string, payload: Payload): void {
    const job = this.value;
    if (!job) return;
    const { cursor, timestamp } = payload;
    this.value = { ...job, ...change(job, name, payload, timestamp), cursor };
  }
}

function change(job: Job, name: string, payload: unknown, at: string): Partial<Job> {
  switch (name) {
    case "job_update":
      return updated(job, payload as JobUpdate, at);
    case "job_output":
      return written(job, payload as JobOutput);
    case "token_usage":
      return { usage: usage(payload as TokenUsage) };
    default:
      return {};
  }
}

function updated(job: Job, update: JobUpdate, at: string): Partial<Job> {
  const isNew = update.attempt > job.attempt;
  return {
    ...(isNew && { ...BEGINNING, started_at: at }),
    ...withoutEnvelope(update),
    run_at: update.run_at ?? null,
    ...(isFinal(update.status) && { completed_at: at, worker_id: null }),
  };
}

function written(job: Job, { channel, offset, ...output }: JobOutput): Partial<Job> {
  const end = offset + bytes(output).length;
  return { output_bytes: { ...job.output_bytes, [channel]: end } };
}

function usage({ job_id: _, attempt: __, model, ...counts }: TokenUsage): Usage {
  return { ...withoutEnvelope(counts), model: model ?? null };
}

/** What was written: text as it is, else its bytes in base64. */
export function bytes({ data, data_base64 }: Pick<JobOutput, "data" | "data_base64">): Uint8Array {
  if (data !== undefined) return new TextEncoder().encode(data);
  return Uint8Array.from(atob(data_base64 ?? ""), (character) => character.charCodeAt(0));
}

function withoutEnvelope<T extends object>(payload: T): T {
  const { topic: _, cursor: __, event_id: ___, trace_id: ____, timestamp: _____, ...own } = payload as Payload;
  return own as T;
}
