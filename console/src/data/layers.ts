import type { Graph } from "@roomcast/client";

/** Where a graph's nodes stand: in layers from left to right, parents before children. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly places: ReadonlyMap<string, Place>;
}

export interface Place {
  readonly x: number;
  readonly y: number;
}

export const NODE = { width: 152, height: 40 } as const;
const GAP = { x: 72, y: 16 } as const;
const MARGIN = 24;
/** Passes over the layers that put children beside their parents: more change nothing that is seen. */
const PASSES = 4;
/** A taller layer goes on in another column. */
const LAYER_MAX = 14;

/** `n9` before `n10`. */
const byName = new Intl.Collator("en", { numeric: true }).compare;

/** The same graph gives the same drawing, and a change moves little: ties are broken by id, not by arrival. */
export function layoutOf(graph: Graph): Layout {
  const parents = new Map<string, string[]>();
  for (const { parent_id, node_id } of graph.links) {
    if (graph.nodes.has(parent_id)) parents.set(node_id, [...(parents.get(node_id) ?? []), parent_id]);
  }
  const columns = folded(ordered(layered([...graph.nodes.keys()].sort(byName), parents), parents));
  const tallest = Math.max(1, ...columns.map((column) => column.length));
  const step = { x: NODE.width + GAP.x, y: NODE.height + GAP.y };
  const places = new Map<string, Place>();
  columns.forEach((column, index) => {
    const top = ((tallest - column.length) * step.y) / 2;
    column.forEach((id, row) => places.set(id, { x: MARGIN + index * step.x, y: MARGIN + top + row * step.y }));
  });
  return {
    width: 2 * MARGIN + Math.max(1, columns.length) * step.x - GAP.x,
    height: 2 * MARGIN + tallest * step.y - GAP.y,
    places,
  };
}

/** Each node one layer after its deepest parent. There is no circle. */
function layered(ids: readonly string[], parents: ReadonlyMap<string, readonly string[]>): string[][] {
  const depths = new Map<string, number>();
  const depth = (id: string): number => {
    const known = depths.get(id);
    if (known !== undefined) return known;
    // Should a change be half here, what points back to itself stands at the front.
    depths.set(id, 0);
    const deepest = Math.max(-1, ...(parents.get(id) ?? []).map(depth));
    depths.set(id, deepest + 1);
    return deepest + 1;
  };
  const layers: string[][] = [];
  for (const id of ids) (layers[depth(id)] ??= []).push(id);
  return layers;
}

/** Children beside the middle of their parents. */
function ordered(layers: readonly string[][], parents: ReadonlyMap<string, readonly string[]>): readonly string[][] {
  const rows = new Map<string, number>();
  const number = (layer: readonly string[]) => layer.forEach((id, row) => rows.set(id, row - layer.length / 2));
  layers.forEach(number);
  for (let pass = 0; pass < PASSES; pass += 1) {
    for (const layer of layers.slice(1)) {
      const middle = new Map(
        layer.map((id) => [id, mean((parents.get(id) ?? []).map((parent) => rows.get(parent) ?? 0))]),
      );
      layer.sort((one, other) => (middle.get(one) ?? 0) - (middle.get(other) ?? 0) || byName(one, other));
      number(layer);
    }
  }
  return layers;
}

function folded(layers: readonly string[][]): readonly string[][] {
  return layers.flatMap((layer) => {
    const columns = Math.max(1, Math.ceil(layer.length / LAYER_MAX));
    const height = Math.ceil(layer.length / columns);
    return Array.from({ length: columns }, (_, at) => layer.slice(at * height, (at + 1) * height));
  });
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
