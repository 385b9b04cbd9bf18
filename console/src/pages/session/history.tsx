import type { Graph } from "@roomcast/client";
import type { ReactNode } from "react";

interface HistoryProps {
  readonly graph: Graph | undefined;
  readonly undo: () => void;
  readonly redo: () => void;
}

/** Takes the graph's last command back, whoever gave it, and does it again. */
export function History({ graph, undo, redo }: HistoryProps): ReactNode {
  return (
    <>
      <button type="button" className="button" disabled={!graph?.undoable} onClick={undo}>
        Undo
      </button>
      <button type="button" className="button" disabled={!graph?.redoable} onClick={redo}>
        Redo
      </button>
    </>
  );
}
