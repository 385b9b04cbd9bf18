import type { RoomcastClient } from "./client.js";
import type { Payload } from "./event.js";
import type { JobLine } from "./generated/wire.js";
import { Live } from "./live.js";
import type { Fold } from "./topic.js";
import { OWN, type Topics } from "./topics.js";

/** The newest lines are kept; older jobs are found over REST. */
const LINES_MAX = 1000;

/** Whose jobs: a project's, or, for operators, another user's. */
export type JobsOf = { readonly project: string } | { readonly user: string };

/** A list of jobs, live, newest first: those of the project or the user. */
export function jobsOf(client: RoomcastClient, of: JobsOf): LiveJobs {
  const { topics, connection } = client;
  if ("project" in of) {
    return new LiveJobs(topics, `project:${of.project}`, "subscribe", { project_id: of.project });
  }
  const isOwn = of.user === connection.get().userId;
  return isOwn ? client.jobs() : new LiveJobs(topics, OWN + of.user, "subscribe_jobs", { user_id: of.user });
}

/** A list of jobs, live, newest first. */
export class LiveJobs extends Live<readonly JobLine[]> {
  /** @internal */
  constructor(topics: Topics, key: string, join: string, which: object) {
    super(topics, key, () => ({
      join: [join, which],
      leave: [`un${join}`, which],
      fold: new JobsFold(),
    }));
  }
}

class JobsFold implements Fold<readonly JobLine[]> {
  /** By the job; none until they are known. */
  #lines: Map<string, JobLine> | undefined;
  #sorted: readonly JobLine[] | undefined;

  get value(): readonly JobLine[] | undefined {
    return (this.#sorted ??= this.#lines && newestFirst(this.#lines));
  }

  reset(snapshot: unknown): void {
    const { jobs = [] } = (snapshot ?? {}) as { jobs?: readonly JobLine[] };
    this.#lines = new Map(jobs.map((line) => [line.job_id, line]));
    this.#sorted = undefined;
  }

  apply(name: string, payload: Payload): void {
    if (name !== "job_status") return;
    const line = payload as unknown as JobLine;
    const lines = (this.#lines ??= new Map<string, JobLine>());
    lines.set(line.job_id, line);
    if (lines.size > LINES_MAX) lines.delete(newestFirst(lines).at(-1)!.job_id);
    this.#sorted = undefined;
  }
}

function newestFirst(lines: ReadonlyMap<string, JobLine>): readonly JobLine[] {
  return [...lines.values()].sort((one, other) => (rank(one) < rank(other) ? 1 : -1));
}

function rank({ created_at, job_id }: JobLine): string {
  return created_at + job_id;
}
