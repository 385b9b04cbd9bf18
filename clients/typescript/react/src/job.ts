import { isFinal } from "@roomcast/client";
import type { Job, JobStatus, LiveJob, OutputState, TopicState } from "@roomcast/client";
import { useMemo } from "react";
import { standing, useLive, type Standing } from "./live.js";
import { useRoomcast } from "./provider.js";
import { itself, useSelected } from "./read.js";

/** A job, and what can be done with it. */
export interface JobView extends Standing {
  readonly job: Job | undefined;
  /** Asks it to end. */
  readonly cancel: (reason?: string) => Promise<Job>;
  /** Another of the same, once it has ended. */
  readonly retry: () => Promise<Job>;
}

/** What a progress bar needs of a job. */
export interface JobProgressView extends Standing {
  readonly status: JobStatus | undefined;
  /** 0 to 100. */
  readonly progress: number;
  readonly message: string | undefined;
  readonly stage: string | undefined;
  readonly attempt: number;
  /** What it failed with, for a person. */
  readonly failure: string | undefined;
  readonly isFinal: boolean;
  readonly isCancelling: boolean;
}

/**
 * A job, live. `initial`, as the server rendered it, is shown until there is something newer. Without an id
 * it is `idle`.
 */
export function useJob(id: string | undefined, initial?: Job): JobView {
  const live = useLiveJob(id, initial);
  const state = useLive(live, !!id);
  const deeds = useMemo(
    () => ({
      cancel: (reason?: string) => live.cancel(reason),
      retry: () => live.retry(),
    }),
    [live],
  );
  return useMemo(() => ({ ...standing(state), job: state.value, ...deeds }), [state, deeds]);
}

/** How far a job is, live. Renders again only when that changes. */
export function useJobProgress(id: string | undefined, initial?: Job): JobProgressView {
  const live = useLiveJob(id, initial);
  return useSelected(live, live.idle, progress, !!id);
}

/** The end of what a job writes, live. */
export function useJobOutput(id: string | undefined, channel = "stdout"): OutputState {
  const live = useLiveJob(id);
  const output = useMemo(() => live.output(channel), [live, channel]);
  return useSelected(output, EMPTY, itself, !!id);
}

const EMPTY: OutputState = { attempt: 0, text: "", isCut: false };

/** No job has the id that stands for none. */
function useLiveJob(id = "", initial?: Job): LiveJob {
  const client = useRoomcast();
  // What was given first counts: a page gives a new object with every render, and perhaps that of another job.
  return useMemo(() => client.job(id, initial?.job_id === id ? initial : undefined), [client, id]);
}

function progress(state: TopicState<Job>): JobProgressView {
  const { value: job } = state;
  return {
    ...standing(state),
    status: job?.status,
    progress: job?.progress ?? 0,
    message: job?.message ?? undefined,
    stage: job?.stage ?? undefined,
    attempt: job?.attempt ?? 0,
    failure: job?.error ?? undefined,
    isFinal: job !== undefined && isFinal(job.status),
    isCancelling: job?.status === "running" && job.cancel_requested,
  };
}
