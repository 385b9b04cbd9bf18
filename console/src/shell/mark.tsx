import type { ReactNode } from "react";

/** One voice, and the rooms that it reaches. */
export function Mark(): ReactNode {
  return (
    <svg className="mark" viewBox="0 0 16 16" aria-hidden="true">
      <path d="M2.5 13.5a11 11 0 0 1 11-11M6.5 13.5a7 7 0 0 1 7-7" />
      <circle cx="12" cy="12" r="1.6" />
    </svg>
  );
}
