import { useSyncExternalStore } from "react";
import { readFigures, type Figures } from "./figures.js";

/** How often the plots grow while they are looked at: often enough to see a burst. */
const OFTEN_MS = 2000;
/** On other pages: a look is tens of kilobytes, and they only want a past. */
const SELDOM_MS = 10_000;
/** What is older is forgotten. */
export const SPAN_MS = 5 * 60_000;
/** A look that takes longer than this says nothing of its moment. */
const ANSWER_MS = 5000;

/** What was seen, oldest first; a look that failed leaves a hole. */
export interface History {
  readonly figures: readonly (Figures | undefined)[];
  readonly isFailing: boolean;
}

let state: History = { figures: [], isFailing: false };
let isRunning = false;
/** How often each wants to know. */
const listeners = new Map<() => void, number>();
let wake = () => {};

/** Looks as long as somebody wants to know; one run, however listeners come and go. */
async function run(): Promise<void> {
  if (isRunning) return;
  isRunning = true;
  while (listeners.size > 0) {
    if (!document.hidden) await look();
    // From the end of a look: a slow edge is not asked twice at once.
    await new Promise<void>((resolve) => {
      wake = resolve;
      setTimeout(resolve, Math.min(...listeners.values()));
    });
  }
  isRunning = false;
}

async function look(): Promise<void> {
  const seen = await readFigures(AbortSignal.timeout(ANSWER_MS)).catch(() => undefined);
  const since = Date.now() - SPAN_MS;
  const first = state.figures.findIndex((figures) => figures && figures.at > since);
  state = { figures: [...(first < 0 ? [] : state.figures.slice(first)), seen], isFailing: seen === undefined };
  for (const listener of listeners.keys()) listener();
}

function subscribe(listener: () => void, everyMs: number): () => void {
  listeners.set(listener, everyMs);
  wake();
  void run();
  return () => listeners.delete(listener);
}

const often = (listener: () => void) => subscribe(listener, OFTEN_MS);
const seldom = (listener: () => void) => subscribe(listener, SELDOM_MS);

/** The last minutes of the edge's figures. */
export function useHistory(): History {
  return useSyncExternalStore(often, () => state);
}

/** Keeps the figures while none are shown, so that coming back to them shows no hole. */
export function useKeptHistory(): void {
  useSyncExternalStore(seldom, nothing);
}

const nothing = () => undefined;
