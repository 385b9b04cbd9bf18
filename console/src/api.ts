/**
 * What the console asks the edge for beside what `@roomcast/client` follows: every REST call of it, and no
 * other. All go through `RoomcastClient.request`, that is to `/api/v1`.
 */

import type { JobStatus, PublishedEvent } from "@roomcast/client";

/**
 * `GET /whoami`: whom the edge takes the caller for, with or without a token. 401 where one is demanded.
 * A `viewer` reads every page of the console; an `operator` also acts; `none` may not look here.
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

/** `GET /connections`: oldest first. */
export interface ConnectionList {
  readonly connections: readonly Connection[];
}

export interface Connection {
  readonly id: string;
  readonly user_id: string;
  /** RFC 3339. */
  readonly connected_at: string;
  readonly topics: readonly string[];
  readonly namespace?: string;
  readonly transport?: "websocket" | "polling";
  /** Where the client is: its address. */
  readonly address?: string;
  /** Bytes that wait for it. */
  readonly waiting_bytes?: number;
  /** How many events of its topics it has not been given yet. */
  readonly lag?: number;
  /** The edge that has it, where there are several. */
  readonly edge?: string;
}

/** `GET /topics?kind=&prefix=&limit=&page_token=`: in the order of names. */
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

/** `GET /rooms`: the declared rooms, in the order of names. */
export interface RoomList {
  readonly rooms: readonly RoomLine[];
}

export interface RoomLine {
  readonly room: string;
  /** Who reads it: `everyone`, or `role:…` and `user:…`. */
  readonly read: readonly string[];
  /** Who publishes any event to it, and each type of event. */
  readonly publish: readonly string[];
  readonly publish_types?: Readonly<Record<string, readonly string[]>>;
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

/**
 * `GET /explain?user=&topic=&action=`: why a user may or may not see a topic (`action` is `read`), or publish to it
 * (`publish`). As the core would decide it at this moment.
 */
export interface Explanation {
  readonly user_id: string;
  readonly topic: string;
  readonly action: "read" | "publish";
  readonly allowed: boolean;
  /** The code the user would be refused with. */
  readonly code: string | null;
  /** What was looked at, in order; the first that fails decides. */
  readonly checks: readonly Check[];
}

export interface Check {
  /** In a few words: `the user is not disabled`. */
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** What was found, in a sentence. */
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
  readonly at: string;
  readonly actor: string;
  /** What was done: `job.cancel`, `connection.disconnect`, `topic.publish`, `user.disable`. */
  readonly action: string;
  /** To what: a topic, a connection, a user. */
  readonly target: string;
  /** `ok`, or the code it was refused with. */
  readonly outcome: string;
  readonly trace_id: string;
}

/** `GET /jobs`: the filters of its query. */
export interface JobQuery {
  readonly owner?: string;
  readonly kind?: string;
  readonly status?: JobStatus;
  readonly project_id?: string;
  readonly limit?: number;
  readonly page_token?: string;
}

/**
 * Beside these, without a body of their own: `POST /connections/{id}/disconnect`, `POST /jobs/{id}/cancel`,
 * `POST /jobs/{id}/retry`, `POST /topics/{topic}/events`, `POST /commands/{execute,undo,redo}`,
 * `POST /sessions/{id}/close`; and `GET /metrics` (Prometheus text) for the plots.
 */
export type RoomEvent = PublishedEvent;
