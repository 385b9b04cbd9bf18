import type { RoomcastClient } from "@roomcast/client";
import { useRoomcast } from "@roomcast/react";
import { useEffect, useRef } from "react";
import { liveOf } from "./followed.js";

/** News come together: they are looked at together. */
const TOGETHER_MS = 250;

/** Calls back when a topic has something new, and once when it is live: what was read before may be older. */
export function useNews(topic: string | undefined, look: () => void): void {
  const client = useRoomcast();
  const newest = useRef(look);
  useEffect(() => {
    newest.current = look;
  });
  useEffect(() => (topic === undefined ? undefined : watch(client, topic, () => newest.current())), [client, topic]);
}

function watch(client: RoomcastClient, topic: string, look: () => void): (() => void) | undefined {
  const live = liveOf(client, topic);
  let seen: string | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const forget = live?.subscribe(() => {
    const { phase, cursor } = live.get();
    if (phase !== "live" || cursor === seen) return;
    seen = cursor;
    timer ??= setTimeout(() => {
      timer = undefined;
      look();
    }, TOGETHER_MS);
  });
  return () => {
    forget?.();
    clearTimeout(timer);
  };
}
