import { useRoomcast } from "@roomcast/react";
import { useMemo, useSyncExternalStore } from "react";
import { Log, type From, type LogState } from "./log.js";

/** A topic's events, live. */
export function useLog(topic: string, from: From): LogState {
  const client = useRoomcast();
  const log = useMemo(() => new Log(client, topic, from), [client, topic, from]);
  return useSyncExternalStore(log.subscribe, log.get);
}
