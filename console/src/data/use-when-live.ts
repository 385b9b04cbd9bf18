import type { Phase, Readable } from "@roomcast/client";
import { useEffect } from "react";

/** Calls back whenever something becomes live: what was asked before does not know of it. */
export function useWhenLive(readable: Readable<{ readonly phase: Phase }> | undefined, look: () => void): void {
  useEffect(() => {
    if (!readable) return undefined;
    const isLive = () => readable.get().phase === "live";
    const forget = readable.subscribe(() => {
      const wasLive = was;
      was = isLive();
      if (was && !wasLive) look();
    });
    let was = isLive();
    return forget;
  }, [readable, look]);
}
