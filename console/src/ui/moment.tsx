import type { ReactNode } from "react";
import { useNow } from "../data/clock.js";
import { duration, moment } from "../data/words.js";

/** Less than this is as long as the way from the server, and the difference of two clocks. */
const SHORTEST_MS = 1000;

interface MomentProps {
  readonly at: string | null | undefined;
}

/** When it was. */
export function Moment({ at }: MomentProps): ReactNode {
  return at ? <time dateTime={at}>{moment(at)}</time> : null;
}

/** How long ago it was; the moment itself for whoever asks. */
export function Age({ at }: MomentProps): ReactNode {
  const now = useNow();
  if (!at) return null;
  const age = now - Date.parse(at);
  return (
    <time dateTime={at} title={moment(at)}>
      {age < SHORTEST_MS ? "now" : duration(age)}
    </time>
  );
}
