import { RoomcastError } from "./error.js";
import type { Tokens } from "./token.js";

/** One request. */
export interface RestRequest {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  /** The same key gives the same answer for 24 h. */
  readonly idempotencyKey?: string | undefined;
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
   * @throws RoomcastError the server's code, or `unreachable`
   */
  async json<T>(path: string, request: RestRequest = {}): Promise<T> {
    const response = await this.#ask(path, request);
    return response.status === 204 ? (undefined as T) : this.#whole(response.json(), request.signal);
  }

  /** As {@link json}, for a piece of output: its bytes, and where they begin if the edge says so. */
  async piece(path: string, request: RestRequest): Promise<{ bytes: Uint8Array; start: number | undefined }> {
    const response = await this.#ask(path, request);
    const offset = response.headers.get("x-offset");
    const bytes = new Uint8Array(await this.#whole(response.arrayBuffer(), request.signal));
    return { bytes, start: offset === null ? undefined : Number(offset) };
  }

  async #ask(path: string, request: RestRequest): Promise<Response> {
    let response = await this.#send(path, request);
    if (response.status === 401 && this.tokens.canRefresh) {
      this.tokens.forget();
      response = await this.#send(path, request);
    }
    if (!response.ok) throw await failure(response);
    return response;
  }

  async #send(path: string, { method = "GET", body, query = {}, idempotencyKey, signal }: RestRequest) {
    const token = await this.tokens.get();
    const url = new URL(`${this.base}/api/v1${path}`);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, value as string);
    }
    const headers = {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(idempotencyKey && { "idempotency-key": idempotencyKey }),
      ...(body !== undefined && { "content-type": "application/json" }),
    };
    const init = { method, headers, body: JSON.stringify(body) ?? null, signal: signal ?? null };
    return this.#whole(fetch(url, init), signal);
  }

  /** An answer that does not come, breaks off or is somebody else's may be whole the next time. */
  #whole<T>(answer: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return answer.catch((cause: unknown) => {
      if (signal?.aborted) throw cause;
      throw new RoomcastError("unreachable", `no answer from ${this.base}`, true, { cause });
    });
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
