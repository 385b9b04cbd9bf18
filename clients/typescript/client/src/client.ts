import { Connection, type ConnectionOptions, type ConnectionState } from "./connection.js";
import type { AnyEvents } from "./event.js";
import type { Job, JobStatus } from "./generated/wire.js";
import { LiveJob } from "./job.js";
import { LiveJobs } from "./jobs.js";
import { Rest, type RestRequest } from "./rest.js";
import { LiveRoom } from "./room.js";
import type { Readable } from "./store.js";
import { Tokens, type GetToken } from "./token.js";
import { OWN, Topics } from "./topics.js";

/** Where `roomcast dev` listens. */
const DEV = "http://127.0.0.1:8000";

/** How to reach an edge, and as whom. */
export interface RoomcastOptions extends ConnectionOptions {
  /**
   * The edge's address, with the path that a proxy has it below. By default where the page came from, and
   * outside of pages `http://127.0.0.1:8000`.
   */
  readonly url?: string | undefined;
  /** Gives the user's token; asked again when that is over. Left out, nobody is shown. */
  readonly getToken?: GetToken | undefined;
}

/** A job to be. Fields as `POST /jobs` takes them. */
export interface NewJob {
  readonly kind: string;
  readonly input?: unknown;
  readonly owner?: string;
  readonly project_id?: string;
  readonly priority?: number;
  readonly run_at?: string;
  readonly retry?: {
    readonly max_attempts?: number;
    readonly initial_backoff_ms?: number;
    readonly multiplier?: number;
    readonly max_backoff_ms?: number;
  };
  readonly timeouts?: {
    readonly schedule_to_start_ms?: number;
    readonly attempt_ms?: number;
    readonly total_ms?: number;
  };
  readonly labels?: Readonly<Record<string, string>>;
}

/** Which jobs to list. All conditions must hold. */
export interface JobFilter {
  readonly owner?: string;
  readonly kind?: string;
  readonly status?: JobStatus;
  readonly project_id?: string;
  readonly limit?: number;
  readonly page_token?: string;
}

/** A page of jobs, newest first. */
export interface JobPage {
  readonly jobs: readonly Job[];
  readonly next_page_token: string;
}

/**
 * A client of Roomcast. One for an application: all it shows shares one connection, which is there
 * while something is looked at. It needs no closing.
 */
export class RoomcastClient {
  /** Where the connection stands. */
  readonly connection: Readable<ConnectionState>;
  /** @internal */
  readonly topics = new Topics();
  /** @internal */
  readonly rest: Rest;
  readonly #connection: Connection;

  /** @throws TypeError where `url` is none */
  constructor(options: RoomcastOptions = {}) {
    const url = (options.url ?? globalThis.location?.origin ?? DEV).replace(/\/$/, "");
    const tokens = new Tokens(options.getToken);
    this.rest = new Rest(url, tokens);
    this.connection = this.#connection = new Connection(url, options, tokens, this.topics);
    this.topics.line = this.#connection;
  }

  /** A job, live. `initial`, as REST answers it, is shown until there is something newer. */
  job(id: string, initial?: Job): LiveJob {
    return new LiveJob(this.topics, this.rest, id, initial);
  }

  /** The user's own jobs, live. */
  jobs(): LiveJobs {
    return new LiveJobs(this.topics, OWN, "subscribe_jobs", {});
  }

  /** A room, live. `E` is what its events say, by their names: `{ headline: { text: string } }`. */
  room<E extends object = AnyEvents>(name: string): LiveRoom<E> {
    return new LiveRoom(this.topics, this.rest, name);
  }

  /** Creates a job; the same key gives the same job for 24 h. @throws RoomcastError */
  createJob(job: NewJob, idempotencyKey?: string): Promise<Job> {
    return this.rest.json("/jobs", { method: "POST", body: job, idempotencyKey });
  }

  /** Lists jobs as they stand. @throws RoomcastError */
  listJobs(filter: JobFilter = {}, signal?: AbortSignal): Promise<JobPage> {
    return this.rest.json("/jobs", { query: { ...filter }, signal });
  }

  /** Anything else that the edge's REST interface has, such as `/projects`. @throws RoomcastError */
  request<T>(path: string, request?: RestRequest): Promise<T> {
    return this.rest.json(path, request);
  }

  /** Tries again after `closed`: somebody has signed in anew. */
  connect(): void {
    this.#connection.open();
  }

  /** Ends the connection for good. */
  close(): void {
    this.#connection.destroy();
  }
}
