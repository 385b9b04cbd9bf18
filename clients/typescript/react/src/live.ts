import type { Phase, Readable, RoomcastError, TopicState } from "@roomcast/client";
import { itself, useSelected } from "./read.js";

/** Where something stands, beside what it shows. */
export interface Standing {
  readonly phase: Phase;
  /** Why it is `closed`, or what the last try met. */
  readonly error: RoomcastError | undefined;
  /** Whether what is shown may have been overtaken: the connection was lost, or is catching up. */
  readonly isStale: boolean;
}

/** Anything that the client gives to look at, such as `client.room("news")`, made once; unless `isKnown`, not yet. */
export function useLive<T>(
  live: Readable<TopicState<T>> & { readonly idle: TopicState<T> },
  isKnown?: boolean,
): TopicState<T> {
  return useSelected(live, live.idle, itself, isKnown);
}

export function standing({ phase, error }: TopicState<unknown>): Standing {
  const isStale = phase === "stale" || phase === "offline" || phase === "catching_up";
  return { phase, error, isStale };
}
