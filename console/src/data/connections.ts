import type { ConnectionList } from "../api.js";
import { usePolled, type Polled } from "./polled.js";

const EVERY_MS = 3000;

/** Who is connected over Socket.IO. */
export function useConnections(): Polled<ConnectionList> {
  return usePolled(
    "connections",
    (client, signal) => client.request<ConnectionList>("/connections", { signal }),
    EVERY_MS,
  );
}

/** How many connections follow each topic. */
export function followers({ connections }: ConnectionList): ReadonlyMap<string, number> {
  const amounts = new Map<string, number>();
  for (const topic of connections.flatMap(({ topics }) => topics)) amounts.set(topic, (amounts.get(topic) ?? 0) + 1);
  return amounts;
}
