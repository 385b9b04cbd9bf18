import type { Usage } from "@roomcast/client";

/**
 * What the console asks the edge for beside what `@roomcast/client` follows: every REST call of it, and no
 * other. All go through `RoomcastClient.request`, that is to `/api/v1`.
 */

/**
 * `GET /whoami`: whom the edge takes the caller for, with or without a token. 401 where one is demanded.
 * A `viewer` (role `auditor`) reads every page of the console; an `operator` (role `admin`) also acts.
 */
export interface Caller {
  readonly user_id: string;
  readonly tenant: string;
  readonly roles: readonly string[];
  readonly console: "none" | "viewer" | "operator";
  /** Whether this is `roomcast dev`: everybody is an administrator. */
  readonly development: boolean;
  readonly version: string;
}

/** `GET /connections?scope=edge|cluster&topic=…`: oldest first. */
export interface ConnectionList {
  readonly connections: readonly Connection[];
  /** The edge that answered. */
  readonly edge_id: string;
  /** Whether there are more than are listed. */
  readonly truncated: boolean;
}

export interface Connection {
  readonly id: string;
  /** The edge that it is at. What only that knows is null elsewhere. */
  readonly edge_id: string;
  readonly namespace: string;
  readonly user_id: string;
  readonly roles: readonly string[] | null;
  /** Where the client is, if the listener knows. */
  readonly address: string | null;
  readonly transport: "websocket" | "polling" | null;
  /** What waits for the client to take it. */
  readonly waiting_bytes: number | null;
  /** RFC 3339. */
  readonly connected_at: string;
  /** At another edge the jobs alone, and 20 at most. */
  readonly topics: readonly string[];
}

/** `GET /topics?kind=&prefix=&limit=&page_token=`: by kind and name; `prefix` is of the name alone. */
export interface TopicPage {
  readonly topics: readonly TopicLine[];
  readonly next_page_token: string | null;
}

/** What `GET /topics/{topic}` answers. */
export interface TopicLine {
  readonly topic: string;
  /** Cursor of the last event. */
  readonly head: string;
  /** Offset of the last event, 0 when there was none. */
  readonly head_offset: number;
  /** Offset of the oldest retained event. */
  readonly first_offset: number;
  readonly bytes: number;
  readonly retention: {
    readonly age_seconds: number | null;
    readonly events: number | null;
    readonly bytes: number | null;
  };
}

/** `GET /topics/{topic}/events?since=&types=&limit=`, as of jobs and sessions. */
export interface EventPage {
  readonly events: readonly LoggedEvent[];
  readonly cursor: string;
  readonly head: string;
  readonly reset?: { readonly reason: string; readonly cursor: string };
}

export interface LoggedEvent {
  readonly type: string;
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly cursor: string;
  readonly event_id: string;
  readonly timestamp: string | null;
  readonly trace_id: string;
}

/** `GET /rooms?limit=&page_token=`: the declared rooms, in the order of names. */
export interface RoomPage {
  readonly rooms: readonly RoomLine[];
  readonly next_page_token: string | null;
}

export interface RoomLine {
  readonly room: string;
  /** Who reads it: `everyone`, or `role:…` and `user:…`. */
  readonly read: readonly string[];
  /** Who publishes any event to it, and each type of event. */
  readonly publish: readonly string[];
  readonly publish_types: Readonly<Record<string, readonly string[]>>;
  readonly last: boolean;
  readonly presence: boolean;
  readonly merge: "none" | "last_value";
}

/** `GET /projects?limit=&page_token=`, `GET /projects/{id}/sessions?limit=&page_token=`: newest first. */
export interface ProjectPage {
  readonly projects: readonly { readonly id: string; readonly name: string; readonly owner: string }[];
  readonly next_page_token: string | null;
}

export interface SessionPage {
  readonly sessions: readonly SessionLine[];
  readonly next_page_token: string | null;
}

export interface SessionLine {
  readonly session_id: string;
  readonly project_id: string;
  readonly name: string;
  readonly closed: boolean;
  readonly created_at: string | null;
  readonly closed_at: string | null;
}

/** `GET /sessions/{id}`: of it what the socket does not tell. */
export interface SessionUse {
  readonly usage: Usage | null;
}

/**
 * `GET /explain?user=&roles=&topic=`: why a user may or may not see a topic, with a token of these roles (between
 * commas), as the core would decide it at this moment.
 */
export interface Explanation {
  readonly user_id: string;
  readonly allowed: boolean;
  /** The code the user would be refused with. */
  readonly code: string | null;
  /** The rules in the order in which they were looked at. The last one decided. */
  readonly checks: readonly Check[];
  /** What there is to read. */
  readonly topic: TopicLine;
}

export interface Check {
  /** The rule: `readers`. */
  readonly name: string;
  /** It decided yes, it decided no, or it left it to the next. */
  readonly outcome: "allows" | "denies" | "passes";
  /** What it went by, for people. */
  readonly detail: string;
}

/** `GET /audit?limit=&page_token=&actor=&action=`: what operators did, newest first. */
export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  readonly next_page_token: string | null;
}

export interface AuditEntry {
  readonly id: string;
  /** RFC 3339. */
  readonly at: string | null;
  readonly actor: string;
  /** What was done: `audit.job.cancel`. */
  readonly action: string;
  /** To what: a topic, a connection, a user. */
  readonly target: string;
  /** `ok`, or the code it was refused with. */
  readonly outcome: string;
  /** The caller's address. */
  readonly from: string | null;
  readonly trace_id: string;
}

/**
 * Beside these, of which nothing is read: `POST /connections/{id}/disconnect`, `POST /jobs/{id}/cancel`,
 * `POST /jobs/{id}/retry`, `POST /topics/{topic}/events`, `POST /commands/{execute,undo,redo}`; and `GET /metrics`
 * (Prometheus text) for the plots.
 */
