import type { JobEvent } from "./event.js";
import type { Job } from "./generated/wire.js";
import { isFinal, JobFold } from "./job-fold.js";
import { Live } from "./live.js";
import { Output } from "./output.js";
import { jobPath, type Rest } from "./rest.js";
import type { Kind } from "./topic.js";
import type { Topics } from "./topics.js";

/** One job, live. */
export class LiveJob extends Live<Job, JobEvent> {
  /** @internal */
  constructor(
    topics: Topics,
    private readonly rest: Rest,
    readonly id: string,
    initial?: Job,
  ) {
    const idle = initial && ({ phase: "idle", value: initial, cursor: initial.cursor } as const);
    super(topics, `job:${id}`, () => kind(rest, id, initial), idle);
  }

  /** The end of what it writes to a channel, live. */
  output(channel = "stdout"): Output {
    return new Output(this, this.rest, channel);
  }

  /** Waits for its end. @throws RoomcastError why it cannot be watched */
  ended(signal?: AbortSignal): Promise<Job> {
    return this.until((job) => isFinal(job.status), signal);
  }

  /** Asks it to end; what it was by then is answered. @throws RoomcastError */
  cancel(reason?: string): Promise<Job> {
    return this.rest.json(`${jobPath(this.id)}/cancel`, { method: "POST", body: { reason } });
  }

  /** Another of the same, once it has ended. @throws RoomcastError */
  retry(idempotencyKey?: string): Promise<Job> {
    return this.rest.json(`${jobPath(this.id)}/retry`, { method: "POST", idempotencyKey });
  }
}

function kind(rest: Rest, id: string, initial: Job | undefined): Kind<Job> {
  return {
    join: ["join_job", { job_id: id }],
    leave: ["leave_job", { job_id: id }],
    fold: new JobFold(initial),
    // Joining tells how the job stands, but not its labels, its usage or what it wrote.
    load: () => rest.json<Job>(jobPath(id)),
  };
}
