import type { JobLine, JobStatus } from "@roomcast/client";
import { useMemo } from "react";
import { standing, useLive, type Standing } from "./live.js";
import { useRoomcast } from "./provider.js";

/** Which of the user's jobs to show. */
export interface JobsFilter {
  readonly status?: JobStatus;
  readonly kind?: string;
}

/** The user's jobs. */
export interface JobsView extends Standing {
  /** Newest first; undefined until they are known. */
  readonly jobs: readonly JobLine[] | undefined;
}

/** The user's own jobs, live. */
export function useJobs({ status, kind }: JobsFilter = {}): JobsView {
  const client = useRoomcast();
  const state = useLive(useMemo(() => client.jobs(), [client]));
  return useMemo(() => {
    const isWanted = (line: JobLine) =>
      (!status || line.status === status) && (!kind || line.kind === kind);
    return { ...standing(state), jobs: state.value?.filter(isWanted) };
  }, [state, status, kind]);
}
