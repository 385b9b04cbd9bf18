import { useSyncExternalStore } from "react";

const EVERY_MS = 1000;

let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    // Who looks again is told within a second.
    if (document.hidden) return;
    now = Date.now();
    for (const one of listeners) one();
  }, EVERY_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** The time, once a second: one timer for all that count. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}
