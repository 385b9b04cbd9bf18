import type { KnownErrorCode } from "./generated/wire.js";

/** Codes of this client's own, beside those of the server. */
export type LocalErrorCode =
  /** Nothing answered at the address. */
  | "unreachable"
  /** `getToken` failed. */
  | "token_unavailable"
  /** The client was closed. */
  | "client_closed";

/** A code. A job's worker may fail it with one of its own. */
export type ErrorCode = KnownErrorCode | LocalErrorCode | (string & {});

/** How anything here fails: a stable code, a text for people, and whether to try again. */
export class RoomcastError extends Error {
  override readonly name = "RoomcastError";

  constructor(
    readonly code: ErrorCode,
    message: string,
    /** Whether the same may succeed later. */
    readonly retryable = false,
    /** What the server asks to wait before that. */
    readonly retryAfterMs?: number,
    /** The trace that operators find it by. */
    readonly traceId?: string,
  ) {
    super(message);
  }
}

/** A failure as the server tells it in an acknowledgement or an `error` event. */
export interface Fault {
  readonly code: string;
  readonly message: string;
  readonly retryable?: boolean;
  readonly retry_after_ms?: number;
  /** What could not be joined, or was taken away. */
  readonly topic?: string;
}

export function fromFault(fault: Fault): RoomcastError {
  return new RoomcastError(fault.code, fault.message, fault.retryable, fault.retry_after_ms);
}
