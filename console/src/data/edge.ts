import { RoomcastError } from "@roomcast/client";
import { credential } from "../credential.js";

/** As long as the client's own requests have. */
const ANSWER_MAX_MS = 30_000;

/**
 * Asks the edge for what is no JSON: figures as text, and what is answered by a status alone.
 *
 * @throws RoomcastError the server's code, or `unreachable`
 */
export async function askEdge(path: string, init: RequestInit = {}): Promise<string> {
  const token = credential.get();
  const headers = new Headers(token ? { authorization: `Bearer ${token}` } : {});
  const limit = AbortSignal.timeout(ANSWER_MAX_MS);
  const signal = init.signal ? AbortSignal.any([init.signal, limit]) : limit;
  const unreachable = (error: Error) => {
    throw new RoomcastError("unreachable", error.message, true);
  };
  const response = await fetch(`/api/v1${path}`, { ...init, headers, signal }).catch(unreachable);
  if (response.ok) return response.text().catch(unreachable);
  const problem = (await response.json().catch(() => ({}))) as { readonly code?: string; readonly detail?: string };
  const { code = "unreachable", detail = `${path} answered ${response.status}` } = problem;
  throw new RoomcastError(code, detail, response.status >= 500);
}
