import type { RoomcastError } from "@roomcast/client";
import type { ReactNode } from "react";

/** What stands where there is nothing to show yet, and why. */

export function Loading({ what }: { readonly what: string }): ReactNode {
  return (
    <p className="state" role="status">
      <span className="state-pulse" aria-hidden="true" /> Loading {what}
    </p>
  );
}

interface EmptyProps {
  readonly title: string;
  readonly children?: ReactNode;
}

export function Empty({ title, children }: EmptyProps): ReactNode {
  return (
    <div className="state state-empty">
      <p className="state-title">{title}</p>
      {children !== undefined && <div className="state-hint">{children}</div>}
    </div>
  );
}

interface FailedProps {
  readonly error: RoomcastError;
  readonly retry?: () => void;
}

/** With what to do about it, the code that docs/ERRORS.md explains, and the trace that operators find it by. */
export function Failed({ error, retry }: FailedProps): ReactNode {
  return (
    <div className="state state-failed" role="alert">
      <p className="state-title">{sentence(error.message)}</p>
      {error.mend && <p className="state-hint">{sentence(error.mend)}</p>}
      <p className="state-hint">
        <code>{error.code}</code>
        {error.traceId && (
          <>
            {" · trace "}
            <code>{error.traceId}</code>
          </>
        )}
      </p>
      {retry && (
        <button type="button" className="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

interface AnsweredProps<T> {
  readonly data: T | undefined;
  readonly error: RoomcastError | undefined;
  readonly refresh: () => void;
  readonly what: string;
  readonly children: (data: T) => ReactNode;
}

/** What was asked for, or why it is not there; what was there before an error stays, and is marked. */
export function Answered<T>({ data, error, refresh, what, children }: AnsweredProps<T>): ReactNode {
  if (data === undefined) return error ? <Failed error={error} retry={refresh} /> : <Loading what={what} />;
  return (
    <>
      {error && (
        <p className="note note-warn" role="status">
          Not up to date: {error.message}
        </p>
      )}
      {children(data)}
    </>
  );
}

export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
