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
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

async function look(): Promise<void> {
  let seen: Figures | undefined;
  if (!document.hidden) {
    seen = await readFigures(AbortSignal.timeout(ANSWER_MS)).catch(() => undefined);
    const figures = [...state.figures, seen].slice(-FIGURES_MAX);
    state = { figures, isFailing: seen === undefined };
    for (const listener of listeners) listener();
  }
  // From the end of this look: a slow edge is not asked twice at once.
  if (listeners.size > 0) timer = setTimeout(() => void look(), EVERY_MS);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (listeners.size === 1) void look();
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) clearTimeout(timer);
  };
}

/** The last minutes of the edge's figures. They outlive the page that shows them, so coming back shows no hole. */
export function useHistory(): History {
  return useSyncExternalStore(subscribe, () => state);
}
