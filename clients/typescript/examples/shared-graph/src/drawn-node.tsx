import type { Command, GraphNode } from "@roomcast/client";
import { useState, type KeyboardEvent, type PointerEvent, type ReactNode } from "react";
import { HEIGHT, placeOf, WIDTH, within, type Place } from "./place.js";

const STEP = 20;
const ARROWS: Readonly<Record<string, Place>> = {
  ArrowLeft: { x: -STEP, y: 0 },
  ArrowRight: { x: STEP, y: 0 },
  ArrowUp: { x: 0, y: -STEP },
  ArrowDown: { x: 0, y: STEP },
};

interface DrawnNodeProps {
  readonly node: GraphNode;
  readonly isSelected: boolean;
  readonly toggle: () => void;
  readonly change: (command: Command) => void;
}

export function DrawnNode({ node, isSelected, toggle, change }: DrawnNodeProps): ReactNode {
  const [dragged, setDragged] = useState<Place>();
  const { x, y } = dragged ?? placeOf(node);
  const move = (place: Place) => {
    change({ type: "set_property", node_id: node.node_id, key: "place", value: within(place) });
  };
  const key = (event: KeyboardEvent) => {
    const step = ARROWS[event.key];
    if (step) move({ x: x + step.x, y: y + step.y });
    else if (event.key === "Enter") toggle();
    else if (event.key === "Delete") change({ type: "delete_node", node_id: node.node_id });
    else return;
    event.preventDefault();
  };
  const drop = () => {
    if (dragged) move(dragged);
    else toggle();
    setDragged(undefined);
  };
  return (
    <g
      role="button"
      tabIndex={0}
      aria-label={node.name}
      aria-pressed={isSelected}
      transform={`translate(${x} ${y})`}
      onKeyDown={key}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={(event) => event.buttons && setDragged(within(pointOf(event)))}
      onPointerUp={drop}
    >
      <rect x={-50} y={-18} width={100} height={36} rx={6} />
      <text textAnchor="middle" dominantBaseline="central">{node.name}</text>
    </g>
  );
}

/** Where the pointer is, in the drawing's own units. */
function pointOf(event: PointerEvent<SVGGElement>): Place {
  const drawing = event.currentTarget.ownerSVGElement?.getBoundingClientRect();
  if (!drawing) return { x: 0, y: 0 };
  const x = ((event.clientX - drawing.left) / drawing.width) * WIDTH;
  return { x, y: ((event.clientY - drawing.top) / drawing.height) * HEIGHT };
}
