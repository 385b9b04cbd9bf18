import type { RoomcastError } from "@roomcast/client";
import { useCallback, useEffect, useRef, useState } from "react";

/** Something that is done on request, and what came of it. */
export interface Deed {
  readonly isBusy: boolean;
  readonly error: RoomcastError | undefined;
  /** What is to be said once it is done. */
  readonly said: string | undefined;
  readonly run: (doing: () => Promise<string | undefined>) => void;
}

type Outcome = Omit<Deed, "run">;

const NOTHING: Outcome = { isBusy: false, error: undefined, said: undefined };

/** One at a time; the last outcome stays to be read. */
export function useDeed(): Deed {
  const [outcome, setOutcome] = useState(NOTHING);
  const isHere = useRef(true);
  useEffect(() => {
    isHere.current = true;
    return () => {
      isHere.current = false;
    };
  }, []);
  const run = useCallback((doing: () => Promise<string | undefined>) => {
    setOutcome({ ...NOTHING, isBusy: true });
    doing().then(
      (said) => isHere.current && setOutcome({ ...NOTHING, said }),
      (error: RoomcastError) => isHere.current && setOutcome({ ...NOTHING, error }),
    );
  }, []);
  return { ...outcome, run };
}
