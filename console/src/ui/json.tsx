import type { ReactNode } from "react";

/** A value as text: nothing in it is ever read as HTML. */
export function Json({ value, label }: { readonly value: unknown; readonly label: string }): ReactNode {
  return (
    <pre className="code" aria-label={label} tabIndex={0}>
      {JSON.stringify(value, undefined, 2)}
    </pre>
  );
}
