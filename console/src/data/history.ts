import { useSyncExternalStore } from "react";
import { readFigures, type Figures } from "./figures.js";

/** How often the plots grow: often enough to see a burst, seldom enough to cost nothing. */
const EVERY_MS = 2000;
/** Five minutes. */
const FIGURES_MAX = 151;
/** A look that takes longer than this says nothing of its moment. */
const ANSWER_MS = 5000;

/** What was seen, oldest first; a look that failed leaves a hole. */
export interface History {
  readonly figures: readonly (Figures | undefined)[];
  readonly isFailing: boolean;
}

let state: History = { figures: [], isFailing: false };
let isRunning = false;
const listeners = new Set<() => void>();

/** Looks as long as somebody wants to know; one run, however listeners come and go. */
async function run(): Promise<void> {
  if (isRunning) return;
  isRunning = true;
  while (listeners.size > 0) {
    if (!document.hidden) await look();
    // From the end of a look: a slow edge is not asked twice at once.
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
  isRunning = false;
}

async function look(): Promise<void> {
  const seen = await readFigures(AbortSignal.timeout(ANSWER_MS)).catch(() => undefined);
  state = { figures: [...state.figures, seen].slice(-FIGURES_MAX), isFailing: seen === undefined };
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  void run();
  return () => listeners.delete(listener);
}

/** The last minutes of the edge's figures. They outlive the page that shows them, so coming back shows no hole. */
export function useHistory(): History {
  return useSyncExternalStore(subscribe, () => state);
}
