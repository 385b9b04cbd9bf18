import type { ReactNode } from "react";

interface FindProps {
  readonly label: string;
  readonly hint: string;
  readonly text: string;
  readonly type: (text: string) => void;
}

/** A field that narrows a list while somebody types. */
export function Find({ label, hint, text, type }: FindProps): ReactNode {
  return (
    <input
      type="search"
      className="input input-wide"
      aria-label={label}
      placeholder={hint}
      value={text}
      onChange={(event) => type(event.currentTarget.value)}
    />
  );
}
