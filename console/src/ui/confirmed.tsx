import { useEffect, useState, type ReactNode } from "react";

/** Long enough to read the question, short enough that a forgotten one does no harm. */
const ASKS_MS = 4000;

interface ConfirmedProps {
  readonly label: string;
  /** What is asked before it is done. */
  readonly question: string;
  /** Which of many alike, for those who do not see the row. */
  readonly about?: string;
  readonly isBusy?: boolean;
  readonly act: () => void;
}

/** A button of what cannot be taken back: pressed twice. */
export function Confirmed({ label, question, about, isBusy = false, act }: ConfirmedProps): ReactNode {
  const [isAsking, setAsking] = useState(false);
  useEffect(() => {
    if (!isAsking) return;
    const timer = setTimeout(() => setAsking(false), ASKS_MS);
    return () => clearTimeout(timer);
  }, [isAsking]);
  const press = () => {
    setAsking(!isAsking);
    if (isAsking) act();
  };
  return (
    <button
      type="button"
      className="button button-grave"
      data-asking={isAsking || undefined}
      disabled={isBusy}
      onClick={press}
    >
      <span aria-live="polite">{isAsking ? question : label}</span>
      {about && <span className="unseen"> {about}</span>}
    </button>
  );
}
