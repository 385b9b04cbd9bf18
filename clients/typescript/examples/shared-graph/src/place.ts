import type { GraphNode } from "@roomcast/client";

/** Where a node is drawn. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

export const WIDTH = 800;
export const HEIGHT = 480;
const MARGIN = 40;

/** A node's own place, or the middle. Somebody else may have written anything there. */
export function placeOf(node: GraphNode): Place {
  const { x, y } = (node.properties["place"] ?? {}) as Partial<Place>;
  const isPlace = typeof x === "number" && typeof y === "number";
  return isPlace ? within({ x, y }) : { x: WIDTH / 2, y: HEIGHT / 2 };
}

export function within({ x, y }: Place): Place {
  const clamp = (value: number, most: number) =>
    Math.round(Math.min(Math.max(value, MARGIN), most - MARGIN));
  return { x: clamp(x, WIDTH), y: clamp(y, HEIGHT) };
}

export function somewhere(): Place {
  return within({ x: Math.random() * WIDTH, y: Math.random() * HEIGHT });
}
