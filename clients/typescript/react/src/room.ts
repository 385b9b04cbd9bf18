import type { AnyEvents, EventOf, LastEvents } from "@roomcast/client";
import { useEffect, useMemo, useRef } from "react";
import { standing, useLive, type Standing } from "./live.js";
import { useRoomcast } from "./provider.js";

/** A room. */
export interface RoomView<E extends object = AnyEvents> extends Standing {
  /** The last event of each name. */
  readonly last: LastEvents<E>;
}

const NOTHING = {};

/**
 * A room, live; `onEvent` is told each event once and in order. `E` is what its events say, by their names.
 * Without a name it is `idle`.
 */
export function useRoom<E extends object = AnyEvents>(
  name: string | undefined,
  onEvent?: (event: EventOf<E>) => void,
): RoomView<E> {
  const client = useRoomcast();
  const room = useMemo(() => client.room<E>(name ?? ""), [client, name]);
  const newest = useRef(onEvent);
  useEffect(() => {
    newest.current = onEvent;
  });
  useEffect(() => (name ? room.on((event) => newest.current?.(event)) : undefined), [room]);
  const state = useLive(room, !!name);
  return useMemo(() => ({ ...standing(state), last: state.value ?? (NOTHING as LastEvents<E>) }), [state]);
}
