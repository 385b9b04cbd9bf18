import { RoomcastError } from "./error.js";
import { within } from "./limit.js";
import type { Tokens } from "./token.js";

/** All of a request, its token and its answer: longer than an edge's restart, and than any call of it takes. */
const REQUEST_MAX_MS = 30_000;
/** It may have been carried out: a key tells that it is the same. */
const MEND = "try again, with the same idempotencyKey";

/** One request. */
export interface RestRequest {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  /** The same key gives the same answer for 24 h. */
  readonly idempotencyKey?: string | undefined;
  /** Ends it before its 30 s are over, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** RFC 9457, as the edge fills it in. */
interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly retryable: boolean;
  readonly trace_id: string;
  readonly mend: string;
  readonly errors?: readonly { readonly field: string; readonly description: string }[];
}

/** The edge's REST interface, under the user's token. */
export class Rest {
  constructor(
    private readonly base: string,
    private readonly tokens: Tokens,
  ) {}

  /**
   * Asks, and answers the JSON of the response.
   *
   * @throws RoomcastError the server's code, `unreachable` or `token_unavailable`; or the signal's reason
   */
  json<T>(path: string, request: RestRequest = {}): Promise<T> {
    return this.ask(path, request, (response) => (response.status === 204 ? undefined : response.json()));
  }

  /** As {@link json}, with whatever is read of the response. */
  async ask<T>(path: string, request: RestRequest, read: (response: Response) => T | Promise<T>): Promise<T> {
    const { method = "GET", body, query = {}, idempotencyKey, signal } = request;
    const url = new URL(`${this.base}/api/v1${path}`);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, value as string);
    }
    const content = JSON.stringify(body);
    const act = async (limit: AbortSignal) => {
      // A token that is refused is asked for once more.
      for (let { canRefresh } = this.tokens; ; canRefresh = false) {
        const token = await this.tokens.get();
        const headers = {
          ...(token && { authorization: `Bearer ${token}` }),
          ...(idempotencyKey && { "idempotency-key": idempotencyKey }),
          ...(content && { "content-type": "application/json" }),
        };
        const response = await fetch(url, { method, headers, body: content, signal: limit });
        if (response.ok) return read(response);
        if (response.status !== 401 || !canRefresh) throw await failure(response);
        this.tokens.forget();
      }
    };
    try {
      return await within(REQUEST_MAX_MS, act, signal);
    } catch (cause) {
      if (signal?.aborted || cause instanceof RoomcastError) throw cause;
      // An answer that does not come, breaks off or is somebody else's may be whole the next time.
      throw new RoomcastError("unreachable", `no answer from ${this.base}`, true, { cause, mend: MEND });
    }
  }
}

async function failure(response: Response): Promise<RoomcastError> {
  const retryAfterMs = Number(response.headers.get("retry-after")) * 1000 || undefined;
  const problem = (await response.json().catch(() => undefined)) as Problem | undefined;
  // What stands between the client and the edge has no codes.
  if (!problem?.code) {
    const message = `${response.url} answered ${response.status}`;
    return new RoomcastError("unreachable", message, response.status >= 500, { retryAfterMs });
  }
  const { code, detail, retryable, trace_id: traceId, mend, errors = [] } = problem;
  const fields = Object.fromEntries(errors.map(({ field, description }) => [field, description]));
  return new RoomcastError(code, detail, retryable, { retryAfterMs, traceId, mend, fields });
}

/** Where a job is. */
export function jobPath(id: string): string {
  return `/jobs/${encodeURIComponent(id)}`;
}
