import type { Command, Graph } from "@roomcast/client";
import type { ReactNode } from "react";
import { DrawnNode } from "./drawn-node.js";
import { HEIGHT, placeOf, WIDTH } from "./place.js";

interface DrawingProps {
  readonly graph: Graph | undefined;
  readonly selected: string | undefined;
  readonly select: (id: string | undefined) => void;
  readonly change: (command: Command) => void;
}

/** Drag a node, or move it with the arrow keys; Enter selects it, Delete takes it away. */
export function Drawing({ graph, selected, select, change }: DrawingProps): ReactNode {
  const lines = (graph?.links ?? []).flatMap(({ parent_id, node_id }) => {
    const [from, to] = [graph?.nodes.get(parent_id), graph?.nodes.get(node_id)];
    return from && to ? [{ key: `${parent_id} ${node_id}`, from: placeOf(from), to: placeOf(to) }] : [];
  });
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-label="Graph" role="group">
      {lines.map(({ key, from, to }) => (
        <line key={key} x1={from.x} y1={from.y} x2={to.x} y2={to.y} />
      ))}
      {[...(graph?.nodes.values() ?? [])].map((node) => (
        <DrawnNode
          key={node.node_id}
          node={node}
          isSelected={node.node_id === selected}
          toggle={() => select(node.node_id === selected ? undefined : node.node_id)}
          change={change}
        />
      ))}
    </svg>
  );
}
