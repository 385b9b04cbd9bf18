import { useLayoutEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { spansOf } from "../data/ansi.js";
import { usePaced } from "../data/use-paced.js";

/** Within this of its end a text is followed. */
const NEAR_PX = 24;
/** Laying out a quarter of a megabyte takes a fifth of this. */
const DRAWN_EVERY_MS = 250;

interface TerminalProps {
  readonly text: string;
  readonly label: string;
}

/** What a program wrote, with its colours; it follows the end until somebody scrolls back. */
export function Terminal({ text: written, label }: TerminalProps): ReactNode {
  const text = usePaced(written, DRAWN_EVERY_MS);
  const box = useRef<HTMLPreElement>(null);
  const [isFollowing, setFollowing] = useState(true);
  const spans = useMemo(() => spansOf(text), [text]);
  useLayoutEffect(() => {
    const { current } = box;
    if (isFollowing && current) current.scrollTop = current.scrollHeight;
  }, [spans, isFollowing]);
  const look = () => {
    const { current } = box;
    if (current) setFollowing(current.scrollHeight - current.scrollTop - current.clientHeight < NEAR_PX);
  };
  return (
    <div className="terminal">
      <pre
        ref={box}
        className="code terminal-text"
        role="log"
        aria-label={label}
        aria-live="off"
        tabIndex={0}
        onScroll={look}
      >
        {spans.map(({ text: piece, look: className }, index) =>
          className ? (
            <span key={index} className={className}>
              {piece}
            </span>
          ) : (
            piece
          ),
        )}
      </pre>
      {!isFollowing && (
        <button type="button" className="button terminal-follow" onClick={() => setFollowing(true)}>
          Follow the end
        </button>
      )}
    </div>
  );
}
