import type { KnownErrorCode } from "./generated/wire.js";

/** Codes of this client's own, beside those of the server. */
export type LocalErrorCode =
  /** Nothing answered at the address, not in time, or not to the end. */
  | "unreachable"
  /** `getToken` failed, or did not answer in time. */
  | "token_unavailable"
  /** The client was closed. */
  | "client_closed";

/** A code. A job's worker may fail it with one of its own. */
export type ErrorCode = KnownErrorCode | LocalErrorCode | (string & {});

/** What else is known of a failure. */
export interface ErrorDetails {
  /** What the server asks to wait before another try. */
  readonly retryAfterMs?: number | undefined;
  /** The trace that operators find it by. */
  readonly traceId?: string | undefined;
  /** What to do about it, for a person. */
  readonly mend?: string | undefined;
  /** What is wrong with the request, by the paths of its fields, such as `retry.max_attempts`. */
  readonly fields?: Readonly<Record<string, string>> | undefined;
  /** What lies behind it: what `fetch` or `getToken` threw. */
  readonly cause?: unknown;
}

/** How anything here fails: a stable code, a text for people, and whether to try again. */
export class RoomcastError extends Error implements ErrorDetails {
  override readonly name = "RoomcastError";
  declare readonly code: ErrorCode;
  /** Whether the same may succeed later. */
  declare readonly retryable: boolean;
  declare readonly retryAfterMs?: number;
  declare readonly traceId?: string;
  declare readonly mend?: string;
  declare readonly fields?: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, message: string, retryable = false, details?: ErrorDetails) {
    super(message);
    Object.assign(this, { code, retryable }, details);
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
  return new RoomcastError(fault.code, fault.message, fault.retryable, { retryAfterMs: fault.retry_after_ms });
}
