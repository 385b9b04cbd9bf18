import type { ConnectionList } from "../api.js";
import { usePolled, type Polled } from "./polled.js";

const EVERY_MS = 3000;

/** Who is connected over Socket.IO, to whichever edge. */
export function useConnections(): Polled<ConnectionList> {
  return usePolled(
    "connections",
    (client, signal) => client.request<ConnectionList>("/connections", { query: { scope: "cluster" }, signal }),
    EVERY_MS,
  );
}

/** How many connections follow a topic, for people; nothing until it is known. */
export function useFollowers(): (topic: string) => string {
  const { data } = useConnections();
  if (!data) return () => "";
  const amounts = new Map<string, number>();
  for (const topic of data.connections.flatMap(({ topics }) => topics)) {
    amounts.set(topic, (amounts.get(topic) ?? 0) + 1);
  }
  // Other edges tell of jobs alone.
  const isAll = data.connections.every(({ edge_id }) => edge_id === data.edge_id);
  return (topic) => `${amounts.get(topic) ?? 0}${isAll || topic.startsWith("job:") ? "" : " here"}`;
}
