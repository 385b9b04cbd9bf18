import type { RoomcastClient, RoomcastError } from "@roomcast/client";
import { useRoomcast } from "@roomcast/react";
import { useCallback, useEffect, useRef, useState } from "react";

/** What REST answered last. */
export interface Polled<T> {
  readonly data: T | undefined;
  /** Why there is nothing, or nothing newer. */
  readonly error: RoomcastError | undefined;
  /** Asks again at once. */
  readonly refresh: () => void;
}

interface Answer<T> {
  readonly key: string;
  readonly data?: T;
  readonly error?: RoomcastError;
}

type Ask<T> = (client: RoomcastClient, signal: AbortSignal) => Promise<T>;

/** How long to wait before the next look, perhaps by what the last one brought; always the same function. */
type Pace<T> = number | ((last: T | undefined) => number);

/**
 * Asks, and again every so often while the page is looked at. `key` says what is asked for: with another one
 * what was there goes.
 */
export function usePolled<T>(key: string, ask: Ask<T>, everyMs?: Pace<T>): Polled<T> {
  const client = useRoomcast();
  const [answer, setAnswer] = useState<Answer<T>>({ key });
  const newest = useRef(ask);
  const again = useRef(() => {});
  useEffect(() => {
    newest.current = ask;
  });
  useEffect(() => {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let brought: T | undefined;
    let isAsking = false;
    let isToAskAgain = false;
    const once = async () => {
      // What is on its way may be older than what made somebody ask.
      isToAskAgain = isAsking;
      if (isAsking) return;
      clearTimeout(timer);
      isAsking = true;
      try {
        const data = (brought = await newest.current(client, controller.signal));
        if (!controller.signal.aborted) setAnswer({ key, data });
      } catch (error) {
        if (controller.signal.aborted) return;
        // What was there stays, and is marked as what it is.
        setAnswer((last) => ({ ...(last.key === key ? last : {}), key, error: error as RoomcastError }));
      }
      isAsking = false;
      if (isToAskAgain) return once();
      if (everyMs === undefined || document.hidden) return;
      timer = setTimeout(() => void once(), typeof everyMs === "number" ? everyMs : everyMs(brought));
    };
    const look = () => {
      if (document.hidden) clearTimeout(timer);
      else if (everyMs !== undefined) void once();
    };
    again.current = () => void once();
    void once();
    document.addEventListener("visibilitychange", look);
    return () => {
      controller.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [client, key, everyMs]);
  const refresh = useCallback(() => again.current(), []);
  const { data, error } = answer.key === key ? answer : {};
  return { data, error, refresh };
}
