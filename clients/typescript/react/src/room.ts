import type { LastEvents, PublishedEvent } from "@roomcast/client";
import { useEffect, useMemo, useRef } from "react";
import { standing, useLive, type Standing } from "./live.js";
import { useRoomcast } from "./provider.js";

/** A room. */
export interface RoomView extends Standing {
  /** The last event of each name. */
  readonly last: LastEvents;
}

const NOTHING: LastEvents = {};

/** A room, live; `onEvent` is told each event once and in order. */
export function useRoom(name: string, onEvent?: (event: PublishedEvent) => void): RoomView {
  const client = useRoomcast();
  const room = useMemo(() => client.room(name), [client, name]);
  const newest = useRef(onEvent);
  useEffect(() => {
    newest.current = onEvent;
  });
  useEffect(() => room.on((event) => newest.current?.(event)), [room]);
  const state = useLive(room);
  return useMemo(() => ({ ...standing(state), last: state.value ?? NOTHING }), [state]);
}
