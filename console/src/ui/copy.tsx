import { useEffect, useState, type ReactNode } from "react";

const SAID_MS = 1600;

interface CopyProps {
  readonly text: string;
  readonly label: string;
}

/** Copies a text, and says that it did. */
export function Copy({ text, label }: CopyProps): ReactNode {
  const [said, setSaid] = useState<string>();
  useEffect(() => {
    if (said === undefined) return;
    const timer = setTimeout(() => setSaid(undefined), SAID_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = () => {
    // Without https a browser gives no clipboard: then the text is shown to be taken by hand.
    const written = navigator.clipboard?.writeText(text) ?? Promise.reject(new Error("no clipboard"));
    written.then(
      () => setSaid("Copied"),
      () => prompt("Copy this:", text),
    );
  };
  return (
    <button type="button" className="button" onClick={copy}>
      <span aria-live="polite">{said ?? label}</span>
    </button>
  );
}
