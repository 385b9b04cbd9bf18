/** An event to be, or why it is none. */
export type Draft =
  { readonly problem: string } | { readonly name: string; readonly data: object; readonly payload: object };

const NAME = /^[A-Za-z0-9_.:-]{1,128}$/;
const ENVELOPE = ["topic", "cursor", "event_id", "trace_id", "timestamp"];
/** In these a browser gets the published object apart from what Roomcast adds. */
const DASHBOARD: ReadonlySet<string> = new Set(["agents", "tasks", "metrics", "workflows", "system", "admin"]);

/** What browsers in the room will get of it. The core decides; this only saves the way. */
export function draftOf(room: string, type: string, text: string): Draft {
  if (!NAME.test(type)) return { problem: "a type is 1 to 128 of A–Z a–z 0–9 _ . : -" };
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    return { problem: (error as Error).message };
  }
  if (data === null || typeof data !== "object" || Array.isArray(data))
    return { problem: "data must be a JSON object" };
  const envelope = Object.fromEntries(ENVELOPE.map((name) => [name, "…"]));
  if (DASHBOARD.has(room))
    return { name: type, data, payload: { event: type, data, room, ...envelope, topic: `room:${room}` } };
  const taken = ENVELOPE.find((name) => name in (data as object));
  if (taken !== undefined) return { problem: `${taken} is a field of Roomcast's own` };
  return { name: type, data, payload: { ...data, ...envelope, topic: `room:${room}` } };
}
