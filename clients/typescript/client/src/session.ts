import { Backoff } from "./backoff.js";
import type { RoomcastClient } from "./client.js";
import { named, newId, type Command } from "./command.js";
import { RoomcastError } from "./error.js";
import type { TopicEvent } from "./event.js";
import type { GraphKept } from "./generated/wire.js";
import type { GraphPiece } from "./graph.js";
import { LiveJob } from "./job.js";
import { Live } from "./live.js";
import type { Rest } from "./rest.js";
import { SessionFold, type Session } from "./session-fold.js";
import type { Kind } from "./topic.js";

/** A command is tried so often where the server cannot be reached, or asks to wait. */
const TRIES_MAX = 8;
const MAIN = "main";

/** The events of sessions. */
export type SessionEvent = Extract<
  TopicEvent,
  { name: `graph:${string}` | `command:${string}` | `session:${string}` | `project:${string}` }
>;

/** What a command, an undo or a redo came to. */
export interface Performed {
  readonly command_id: string;
  /** The graph's version after it. */
  readonly version: number;
  readonly cursor: string;
}

/** How to give a command. */
export interface CommandOptions {
  /** Which of the session's graphs, by default `main`. */
  readonly graph?: string;
  /** Refuse unless the graph is at this version. */
  readonly expectedVersion?: number;
  /** Show it only when the server says so. */
  readonly pessimistic?: boolean;
}

/** A save that was made or loaded. */
export interface Saved {
  readonly name: string;
  readonly version: number;
  readonly graph_version: number;
  readonly cursor: string;
}

/** A session, live: its graphs, who is in it, and commands for both. */
export function session(client: RoomcastClient, id: string): LiveSession {
  return new LiveSession(client, id);
}

export class LiveSession extends Live<Session, SessionEvent> {
  readonly #rest: Rest;

  /** @internal */
  constructor(
    client: RoomcastClient,
    readonly id: string,
  ) {
    super(client.topics, `session:${id}`, () => kind(client.rest, id));
    this.#rest = client.rest;
  }

  /**
   * Changes a graph. The change is shown at once, and taken back if it is refused. Where the server
   * cannot be reached it is tried again, and done once however often.
   *
   * @throws RoomcastError what the graph refuses, such as `graph_cycle` or `version_conflict`
   */
  async execute(command: Command, options: CommandOptions = {}): Promise<Performed> {
    const { graph = MAIN, expectedVersion: expected_version } = options;
    const full = named(command);
    const body = { session_id: this.id, graph, command: full, expected_version };
    const sent = () => this.#perform<Performed>("/commands/execute", body);
    return options.pessimistic ? sent() : this.#shown(graph, full, sent);
  }

  /** Takes the last command of the graph back, whoever gave it. @throws RoomcastError `nothing_to_undo` */
  undo(graph = MAIN): Promise<Performed> {
    return this.#perform("/commands/undo", { session_id: this.id, graph });
  }

  /** Does it again. @throws RoomcastError `nothing_to_redo` */
  redo(graph = MAIN): Promise<Performed> {
    return this.#perform("/commands/redo", { session_id: this.id, graph });
  }

  /**
   * Asks the agent of the session's project. The model's text comes as output `text` of the job while it is
   * written, the answer as its event `vibecode_response`. @throws RoomcastError
   */
  async ask(prompt: string): Promise<LiveJob> {
    const { job_id } = await this.#perform<{ job_id: string }>(`${path(this.id)}/messages`, { prompt });
    return new LiveJob(this.topics, this.#rest, job_id);
  }

  /** Keeps the graph under a name. @throws RoomcastError */
  save(name: string, graph = MAIN): Promise<Saved> {
    return this.#perform(`${path(this.id)}/save`, { name, graph });
  }

  /** Replaces the graph by a save of that name, the last unless a version says which. */
  load(name: string, version?: number, graph = MAIN): Promise<Saved> {
    return this.#perform(`${path(this.id)}/load`, { name, version, graph });
  }

  async #shown(graph: string, command: Command, send: () => Promise<Performed>): Promise<Performed> {
    const [topic, release] = this.topics.hold(this.key, () => kind(this.#rest, this.id));
    const fold = topic.kind.fold as SessionFold;
    const proposal = fold.propose(graph, command);
    topic.refresh();
    try {
      const done = await send();
      fold.settle(proposal, done.version);
      return done;
    } catch (error) {
      fold.withdraw(proposal);
      throw error;
    } finally {
      topic.refresh();
      release();
    }
  }

  async #perform<T>(path: string, body: object): Promise<T> {
    const backoff = new Backoff();
    const idempotencyKey = newId();
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#rest.json<T>(path, { method: "POST", body, idempotencyKey });
      } catch (error) {
        const mayMend = error instanceof RoomcastError && error.retryable && tries < TRIES_MAX;
        if (!mayMend) throw error;
        const wait = Math.max(error.retryAfterMs ?? 0, backoff.next());
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  }
}

function kind(rest: Rest, id: string): Kind<Session> {
  const readSave = ({ name, version }: GraphKept) =>
    rest.json<GraphPiece>(`${path(id)}/saves/${encodeURIComponent(name)}`, { query: { version } });
  return {
    join: ["join_session", { session_id: id }],
    leave: ["leave_session", { session_id: id }],
    fold: new SessionFold(readSave),
  };
}

function path(id: string): string {
  return `/sessions/${encodeURIComponent(id)}`;
}
