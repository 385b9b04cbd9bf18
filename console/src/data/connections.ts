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
 * Who is connected over Socket.IO. Asked again as soon as this console follows the topic, by default its user's own
 * list, which it follows on every page: it is one of them.
 */
export function useConnections(scope: Scope, topic?: string): Polled<ConnectionList> {
  const client = useRoomcast();
  const found = usePolled(
    `connections ${scope}`,
    (client, signal) => client.request<ConnectionList>("/connections", { query: { scope }, signal }),
    EVERY_MS[scope],
  );
  useWhenLive(
    useMemo(() => (topic === undefined ? client.jobs() : liveOf(client, topic)), [client, topic]),
    found.refresh,
  );
  return found;
}

/** How many of this edge's connections follow a topic, for people; nothing until it is known. */
export function useFollowers(joined?: string): (topic: string) => string {
  const { data } = useConnections("edge", joined);
  if (!data) return () => "";
  const amounts = new Map<string, number>();
  for (const topic of data.connections.flatMap(({ topics }) => topics)) {
    amounts.set(topic, (amounts.get(topic) ?? 0) + 1);
  }
  return (topic) => `${amounts.get(topic) ?? 0}`;
}
