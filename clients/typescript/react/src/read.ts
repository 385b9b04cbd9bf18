import type { Readable } from "@roomcast/client";
import { useMemo, useSyncExternalStore } from "react";

/** All of a state. */
export const itself = <S>(state: S): S => state;

/**
 * Renders again when what `select` takes of the state changes. `select` must stay the same function. Looks
 * at nothing unless `isKnown`.
 */
export function useSelected<S, T>(readable: Readable<S>, idle: S, select: (state: S) => T, isKnown = true): T {
  const [subscribe, get, getIdle] = useMemo(() => {
    const look = memo(select);
    const first = select(idle);
    return [
      (listener: () => void) => (isKnown ? readable.subscribe(listener) : () => {}),
      () => look(readable.get()),
      () => first,
    ] as const;
  }, [readable, idle, select, isKnown]);
  return useSyncExternalStore(subscribe, get, getIdle);
}

/** The same object while all its fields are the same. */
function memo<S, T>(select: (state: S) => T): (state: S) => T {
  let kept: T | undefined;
  return (state) => {
    const next = select(state);
    return kept !== undefined && isAlike(kept, next) ? kept : (kept = next);
  };
}

function isAlike(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (!one || !other || typeof one !== "object" || typeof other !== "object") return false;
  const [a, b] = [Object.entries(one), other as Record<string, unknown>];
  return a.length === Object.keys(b).length && a.every(([key, value]) => Object.is(value, b[key]));
}
