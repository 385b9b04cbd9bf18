import type { ReactNode } from "react";
import { Link } from "../route/link.js";

interface PagingProps {
  readonly label: string;
  /** The page that is shown, unless it is the first. */
  readonly page: string | undefined;
  readonly next: string | null;
  /** What the first page and the next one are called. */
  readonly words: readonly [first: string, next: string];
  readonly addressOf: (page: string | undefined) => string;
}

/** The way to the next page, and back to the first. */
export function Paging({ label, page, next, words: [first, onward], addressOf }: PagingProps): ReactNode {
  if (!page && !next) return null;
  return (
    <nav className="paging" aria-label={label}>
      {page && <Link to={addressOf(undefined)}>{first}</Link>}
      {next && <Link to={addressOf(next)}>{onward}</Link>}
    </nav>
  );
}
