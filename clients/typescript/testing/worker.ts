import { credentials, loadPackageDefinition, type Client } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { onTestFinished } from "vitest";

const PROTO = new URL("../../../proto", import.meta.url).pathname;
const LONG_POLL = { seconds: 5 };
/** Three beats in the time of a lease: machines under load are slow. */
const BEAT_MS = 5000;

/** What a worker reports; parts as the contract names them. */
export interface Report {
  readonly progress?: {
    readonly percent?: number;
    readonly message?: string;
    readonly stage?: string;
    readonly counters?: Readonly<Record<string, number>>;
  };
  readonly output?: readonly { readonly channel: string; readonly offset: number; readonly data: Buffer }[];
  readonly usage?: Readonly<Record<string, number | string>>;
  readonly events?: readonly { readonly type: string; readonly payload: { readonly data: Buffer } }[];
  readonly completed?: { readonly result?: { readonly data: Buffer } };
  readonly cancelled?: object;
  readonly failed?: { readonly error: { readonly code: string; readonly message: string; readonly retryable?: boolean } };
}

interface Assignment {
  readonly job: { readonly job_id: string };
  readonly fence: string;
}

type Method = "LeaseJobs" | "RenewLeases" | "ReportJob";
type Call = (request: object, done: (error: Error | null, answer: never) => void) => void;

/** A worker over the unary calls. */
export class Worker {
  readonly #client: Client & Record<Method, Call>;

  constructor(core: string) {
    const definition = loadSync("roomcast/v1/job.proto", { includeDirs: [PROTO], keepCase: true });
    const loaded = loadPackageDefinition(definition) as never as {
      roomcast: { v1: { JobService: new (...args: unknown[]) => never } };
    };
    this.#client = new loaded.roomcast.v1.JobService(core, credentials.createInsecure());
    onTestFinished(() => this.#client.close());
  }

  /** Waits for a job of this kind. */
  async lease(kind: string): Promise<Lease> {
    const request = { worker_id: "worker", kinds: [kind], max_jobs: 1, wait: LONG_POLL };
    for (;;) {
      const { assignments } = await this.#call<{ assignments: Assignment[] }>("LeaseJobs", request);
      const [assignment] = assignments;
      if (assignment) {
        this.#keep(assignment);
        return new Lease(assignment, (report) => this.#call("ReportJob", { report }));
      }
    }
  }

  /** A job stays in these hands until the test ends, however slow that is. */
  #keep({ job: { job_id }, fence }: Assignment): void {
    // A beat that a dead core does not hear is followed by others.
    const beat = () => void this.#call("RenewLeases", { held: [{ job_id, fence }] }).catch(() => {});
    const beating = setInterval(beat, BEAT_MS);
    onTestFinished(() => clearInterval(beating));
  }

  #call<T>(name: Method, request: object): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#client[name](request, (error, answer) => (error ? reject(error) : resolve(answer)));
    });
  }
}

/** A job in a worker's hands. */
export class Lease {
  #number = 0;
  readonly #written = new Map<string, number>();

  constructor(
    private readonly assignment: Assignment,
    private readonly send: (report: object) => Promise<unknown>,
  ) {}

  async report(report: Report): Promise<void> {
    this.#number += 1;
    const { job, fence } = this.assignment;
    try {
      await this.send({ job_id: job.job_id, fence, number: this.#number, ...report });
    } catch (error) {
      // What no core has heard is said again under its number: a number that is skipped is refused for ever.
      this.#number -= 1;
      throw error;
    }
  }

  progress(percent: number, message?: string): Promise<void> {
    return this.report({ progress: { percent, ...(message ? { message } : {}) } });
  }

  async write(text: string | Buffer, channel = "stdout"): Promise<void> {
    const data = Buffer.from(text as string);
    const offset = this.#written.get(channel) ?? 0;
    await this.report({ output: [{ channel, offset, data }] });
    this.#written.set(channel, offset + data.length);
  }

  /** An event of the worker's own. */
  tell(type: string, content: object): Promise<void> {
    return this.report({ events: [{ type, payload: { data: Buffer.from(JSON.stringify(content)) } }] });
  }

  complete(result: unknown = { done: true }): Promise<void> {
    return this.report({ completed: { result: { data: Buffer.from(JSON.stringify(result)) } } });
  }

  fail(code: string, message: string, retryable = false): Promise<void> {
    return this.report({ failed: { error: { code, message, retryable } } });
  }
}
