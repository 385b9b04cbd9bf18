import type { RoomcastClient } from "@roomcast/client";
import { useRoomcast } from "@roomcast/react";
import { useEffect, useRef } from "react";
import { liveOf } from "./followed.js";

/** Between two looks: what comes meanwhile is looked at together. */
const TOGETHER_MS = 1500;
/** While the topic is not live, as when it may not be joined, it is looked so often whether there is something new. */
const EVERY_MS = 10_000;

/**
 * Calls back when a topic has something new, once when it is live (what was read before may be older), and every
 * so often while it is not. Not while the page is hidden: then once, as soon as it is seen again.
 */
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
  if (!live) return undefined;
  let seen: string | undefined;
  let isDue = false;
  let pause: ReturnType<typeof setTimeout> | undefined;
  const lookIfDue = () => {
    if (!isDue || document.hidden || pause !== undefined) return;
    isDue = false;
    look();
    pause = setTimeout(() => {
      pause = undefined;
      lookIfDue();
    }, TOGETHER_MS);
  };
  const come = () => {
    isDue = true;
    lookIfDue();
  };
  const forget = live.subscribe(() => {
    const { phase, cursor } = live.get();
    if (phase !== "live" || cursor === seen) return;
    seen = cursor;
    come();
  });
  const polling = setInterval(() => {
    if (live.get().phase !== "live") come();
  }, EVERY_MS);
  document.addEventListener("visibilitychange", lookIfDue);
  return () => {
    forget();
    clearTimeout(pause);
    clearInterval(polling);
    document.removeEventListener("visibilitychange", lookIfDue);
  };
}
