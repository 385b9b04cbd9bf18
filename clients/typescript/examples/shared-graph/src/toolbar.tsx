import type { Command, Graph } from "@roomcast/client";
import type { FormEvent, ReactNode } from "react";
import { somewhere } from "./place.js";

interface ToolbarProps {
  readonly graph: Graph | undefined;
  readonly selected: string | undefined;
  readonly change: (command: Command) => void;
  readonly undo: () => void;
  readonly redo: () => void;
}

export function Toolbar({ graph, selected, change, undo, redo }: ToolbarProps): ReactNode {
  const add = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get("name"));
    const parent = selected && graph?.nodes.has(selected) ? { parent_id: selected } : {};
    change({ type: "create_node", node_type: "box", name, properties: { place: somewhere() }, ...parent });
    event.currentTarget.reset();
  };
  return (
    <form onSubmit={add}>
      <label>
        Name <input name="name" defaultValue="node" required maxLength={64} />
      </label>
      <button>{selected ? "Add below" : "Add"}</button>
      <button type="button" onClick={undo} disabled={!graph?.undoable}>Undo</button>
      <button type="button" onClick={redo} disabled={!graph?.redoable}>Redo</button>
    </form>
  );
}
