import { useRoomcast } from "@roomcast/react";
import { useMemo } from "react";
import type { ConnectionList } from "../api.js";
import { liveOf } from "./followed.js";
import { usePolled, type Polled } from "./polled.js";
import { useWhenLive } from "./use-when-live.js";

/** Of which edges: the one that serves the console knows its own; of all of them the core tells. */
export type Scope = "edge" | "cluster";

/** A millisecond more for each that is listed: the list of many thousand is megabytes. */
const after = (leastMs: number) => (list: ConnectionList | undefined) => leastMs + (list?.connections.length ?? 0);
const EVERY_MS = { edge: after(3000), cluster: after(10_000) };

/**
 * Who is connected over Socket.IO, or who of these follows a topic. Asked again as soon as this console follows it,
 * without one its user's own list, which it follows on every page: it is one of them.
 */
export function useConnections(scope: Scope, topic?: string): Polled<ConnectionList> {
  const client = useRoomcast();
  const found = usePolled(
    `connections ${scope} ${topic ?? ""}`,
    (client, signal) => client.request<ConnectionList>("/connections", { query: { scope, topic }, signal }),
    EVERY_MS[scope],
  );
  useWhenLive(
    useMemo(() => (topic === undefined ? client.jobs() : liveOf(client, topic)), [client, topic]),
    found.refresh,
  );
  return found;
}

/** How many of this edge's connections follow any topic, or this one, for people; nothing until it is known. */
export function useFollowers(only?: string): (topic: string) => string {
  const { data } = useConnections("edge", only);
  if (!data) return () => "";
  const amounts = new Map<string, number>();
  for (const topic of data.connections.flatMap(({ topics }) => topics)) {
    amounts.set(topic, (amounts.get(topic) ?? 0) + 1);
  }
  return (topic) => `${amounts.get(topic) ?? 0}`;
}
