import type { RoomcastClient } from "./client.js";
import type { Envelope } from "./generated/wire.js";
import { Live } from "./live.js";
import { RoomFold, type LastEvents } from "./room.js";

/** What an operator did, or was refused. */
export interface Act {
  /** What: `audit.job.cancel`. */
  readonly act: string;
  /** To what: a job, a topic, a user, a connection. */
  readonly target: string;
  /** Who. */
  readonly by: string;
  readonly outcome: "done" | "refused";
  /** What it was refused with. */
  readonly code?: string;
  /** The caller's address, if it is known. */
  readonly from?: string;
}

/** An act as it is told. */
export interface AuditEvent {
  readonly name: `audit.${string}`;
  readonly data: Act & Envelope;
}

/**
 * What operators do, live, for the roles `admin` and `auditor`: its value is the last act of each name, `on`
 * tells every one.
 */
export function audit(client: RoomcastClient): Live<LastEvents, AuditEvent> {
  return new Live(client.topics, "audit:log", () => ({
    join: ["subscribe_audit", {}],
    leave: ["unsubscribe_audit", {}],
    fold: new RoomFold(),
  }));
}
