import type { ConnectionState } from "@roomcast/client";
import { useEffect, useRef } from "react";
import { useRoomcast } from "./provider.js";
import { itself, useSelected } from "./read.js";

const IDLE: ConnectionState = { phase: "idle" };
/** Shorter losses are nothing to speak of. */
const LOST_AFTER_MS = 5000;

/** Where the connection stands. */
export function useConnection(): ConnectionState {
  return useSelected(useRoomcast().connection, IDLE, itself);
}

/** `lost` after a while without a connection, `failed` when it ended for good, `restored` after either. */
export type ConnectionNews = "lost" | "restored" | "failed";

/** Tells of connections that stay away: for a banner, or a toast. */
export function useLostConnection(
  onNews: (news: ConnectionNews) => void,
  { afterMs = LOST_AFTER_MS }: { readonly afterMs?: number } = {},
): void {
  const { connection } = useRoomcast();
  const newest = useRef(onNews);
  useEffect(() => {
    newest.current = onNews;
  });
  useEffect(() => {
    let last: ConnectionNews = "restored";
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tell = (news: ConnectionNews) => {
      if (news === last) return;
      last = news;
      newest.current(news);
    };
    const look = () => {
      const { phase, lostAt } = connection.get();
      clearTimeout(timer);
      if (phase === "closed") tell("failed");
      else if (phase === "live") tell("restored");
      else if (lostAt !== undefined) {
        timer = setTimeout(() => tell("lost"), Math.max(0, lostAt + afterMs - Date.now()));
      }
    };
    look();
    const forget = connection.subscribe(look);
    return () => {
      forget();
      clearTimeout(timer);
    };
  }, [connection, afterMs]);
}
