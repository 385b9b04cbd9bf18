import type { ReactNode } from "react";
import { useNow } from "../data/clock.js";
import { duration, moment } from "../data/words.js";

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
  return (
    <time dateTime={at} title={moment(at)}>
      {duration(now - Date.parse(at))}
    </time>
  );
}
