import type { Graph, GraphNode } from "@roomcast/client";
import { useMemo, type KeyboardEvent, type ReactNode } from "react";
import { layoutOf, NODE, type Place } from "../../data/layers.js";
import { Empty } from "../../ui/state.js";

/** A drawing of more is a carpet: it is told in numbers. */
const NODES_MAX = 400;
/** A drawing shrinks to its frame as long as it can be read; beyond that it scrolls. */
const LEAST_SCALE = 0.75;
/** Names are cut to what a box holds; the whole stands beside the drawing. */
const NAME_MAX = 19;

interface DrawingProps {
  readonly graph: Graph;
  readonly selected: string | undefined;
  readonly select: (id: string | undefined) => void;
}

/** A graph from left to right. What moves does so slowly enough to be followed. */
export function Drawing({ graph, selected, select }: DrawingProps): ReactNode {
  const isDrawn = graph.nodes.size <= NODES_MAX;
  const layout = useMemo(() => (isDrawn ? layoutOf(graph) : undefined), [graph, isDrawn]);
  if (!layout) return <Empty title="Too large to be drawn">{graph.nodes.size.toLocaleString("en")} nodes</Empty>;
  const { width, height, places } = layout;
  return (
    <div className="drawing" role="group" aria-label="Nodes" tabIndex={0}>
      <svg viewBox={`0 0 ${width} ${height}`} style={{ minInlineSize: width * LEAST_SCALE, maxInlineSize: width }}>
        {graph.links.map(({ parent_id, node_id }) => {
          const [from, to] = [places.get(parent_id), places.get(node_id)];
          const isNear = selected === parent_id || selected === node_id;
          return (
            from &&
            to && (
              <path
                key={`${parent_id} ${node_id}`}
                className="drawing-link"
                data-near={isNear || undefined}
                d={curve(from, to)}
              />
            )
          );
        })}
        {[...places].map(([id, place]) => {
          const node = graph.nodes.get(id);
          const isSelected = id === selected;
          return (
            node && (
              <Node
                key={id}
                node={node}
                place={place}
                isSelected={isSelected}
                toggle={() => select(isSelected ? undefined : id)}
              />
            )
          );
        })}
      </svg>
    </div>
  );
}

interface NodeProps {
  readonly node: GraphNode;
  readonly place: Place;
  readonly isSelected: boolean;
  readonly toggle: () => void;
}

function Node({ node, place, isSelected, toggle }: NodeProps): ReactNode {
  const press = (event: KeyboardEvent) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    toggle();
  };
  return (
    <g
      className="drawing-node"
      role="button"
      tabIndex={0}
      aria-pressed={isSelected}
      // A property and no attribute: only that moves smoothly.
      style={{ transform: `translate(${place.x}px, ${place.y}px)` }}
      onClick={toggle}
      onKeyDown={press}
    >
      {/* Names it, and tells those who hover what was cut. */}
      <title>{`${node.name || node.node_id}, ${node.node_type}`}</title>
      <rect width={NODE.width} height={NODE.height} rx={6} />
      <text aria-hidden="true" className="drawing-name" x={12} y={17}>
        {cut(node.name || node.node_id)}
      </text>
      <text aria-hidden="true" className="drawing-type" x={12} y={31}>
        {cut(node.node_type)}
      </text>
    </g>
  );
}

function curve(from: Place, to: Place): string {
  const [x1, y1] = [from.x + NODE.width, from.y + NODE.height / 2];
  const [x2, y2] = [to.x, to.y + NODE.height / 2];
  const bend = Math.max(24, (x2 - x1) / 2);
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

function cut(text: string): string {
  return text.length > NAME_MAX ? `${text.slice(0, NAME_MAX - 1)}…` : text;
}
