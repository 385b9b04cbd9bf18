import type { Payload } from "./event.js";
import type { JobLine } from "./generated/wire.js";
import { Live } from "./live.js";
import type { Fold, Kind } from "./topic.js";
import { OWN, type Topics } from "./topics.js";

/** The newest lines are kept; older jobs are found over REST. */
const LINES_MAX = 1000;

/** The user's own jobs, live, newest first. */
export class LiveJobs extends Live<readonly JobLine[]> {
  /** @internal */
  constructor(topics: Topics) {
    super(topics, OWN, kind);
  }
}

function kind(): Kind<readonly JobLine[]> {
  return {
    join: ["subscribe_jobs", {}],
    leave: ["unsubscribe_jobs", {}],
    fold: new JobsFold(),
  };
}

class JobsFold implements Fold<readonly JobLine[]> {
  readonly #lines = new Map<string, JobLine>();
  #sorted: readonly JobLine[] | undefined;
  #isKnown = false;

  get value(): readonly JobLine[] | undefined {
    if (!this.#isKnown) return undefined;
    return (this.#sorted ??= [...this.#lines.values()].sort(newestFirst));
  }

  reset(snapshot: unknown): void {
    const { jobs = [] } = (snapshot ?? {}) as { jobs?: readonly JobLine[] };
    this.#isKnown = true;
    this.#lines.clear();
    for (const line of jobs) this.#put(line);
    this.#sorted = undefined;
  }

  apply(name: string, payload: Payload): void {
    if (name !== "job_status") return;
    this.#put(payload as unknown as JobLine);
    if (this.#lines.size > LINES_MAX) {
      const oldest = [...this.#lines.values()].sort(newestFirst).at(-1);
      if (oldest) this.#lines.delete(oldest.job_id);
    }
    this.#sorted = undefined;
  }

  #put(line: JobLine): void {
    this.#lines.set(line.job_id, line);
  }
}

function newestFirst(one: JobLine, other: JobLine): number {
  const [a, b] = [one.created_at ?? "", other.created_at ?? ""];
  return b.localeCompare(a) || other.job_id.localeCompare(one.job_id);
}
