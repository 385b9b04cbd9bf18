import { jobsOf } from "@roomcast/client";
import type { JobLine, JobsOf, JobStatus } from "@roomcast/client";
import { useMemo } from "react";
import { standing, useLive, type Standing } from "./live.js";
import { useRoomcast } from "./provider.js";

/** Which jobs to show. */
export interface JobsFilter {
  readonly status?: JobStatus;
  readonly kind?: string;
  /** A project's, or another user's; the user's own where left out. */
  readonly of?: JobsOf;
}

/** A list of jobs. */
export interface JobsView extends Standing {
  /** Newest first; undefined until they are known. */
  readonly jobs: readonly JobLine[] | undefined;
}

/** The user's own jobs, live, or those of a project or another user. */
export function useJobs({ status, kind, of }: JobsFilter = {}): JobsView {
  const client = useRoomcast();
  // A page gives a new object with every render.
  const state = useLive(useMemo(() => (of ? jobsOf(client, of) : client.jobs()), [client, JSON.stringify(of)]));
  return useMemo(() => {
    const isWanted = (line: JobLine) =>
      (!status || line.status === status) && (!kind || line.kind === kind);
    return { ...standing(state), jobs: state.value?.filter(isWanted) };
  }, [state, status, kind]);
}
