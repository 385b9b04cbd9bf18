import type { ConnectionList } from "../api.js";
import { usePolled, type Polled } from "./polled.js";

/** Of which edges: the one that serves the console knows its own; of all of them the core tells. */
export type Scope = "edge" | "cluster";

/** The whole cluster's connections may be many thousand. */
const EVERY_MS: Readonly<Record<Scope, number>> = { edge: 3000, cluster: 10_000 };

/** Who is connected over Socket.IO. */
export function useConnections(scope: Scope): Polled<ConnectionList> {
  return usePolled(
    `connections ${scope}`,
    (client, signal) => client.request<ConnectionList>("/connections", { query: { scope }, signal }),
    EVERY_MS[scope],
  );
}

/** How many of this edge's connections follow a topic, for people; nothing until it is known. */
export function useFollowers(): (topic: string) => string {
  const { data } = useConnections("edge");
  if (!data) return () => "";
  const amounts = new Map<string, number>();
  for (const topic of data.connections.flatMap(({ topics }) => topics)) {
    amounts.set(topic, (amounts.get(topic) ?? 0) + 1);
  }
  return (topic) => `${amounts.get(topic) ?? 0}`;
}
