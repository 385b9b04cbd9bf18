import type { Change } from "./command.js";
import type { GraphLink, GraphNode } from "./generated/wire.js";

/** A graph as it stands. */
export interface Graph {
  readonly name: string;
  /** Grows by one with every command, undo, redo and load. */
  readonly version: number;
  /** By id. */
  readonly nodes: ReadonlyMap<string, GraphNode>;
  readonly links: readonly GraphLink[];
  /** How many commands can be undone. */
  readonly undoable: number;
  /** How many can be redone. */
  readonly redoable: number;
}

/** A graph as the server tells it, or a piece of one. */
export interface GraphPiece {
  readonly name: string;
  readonly version: number;
  readonly nodes: readonly GraphNode[];
  readonly links: readonly GraphLink[];
  readonly undoable: number;
  readonly redoable: number;
}

/** A graph that changes. */
export class GraphDraft {
  version = 0;
  undoable = 0;
  redoable = 0;
  readonly #nodes: Map<string, GraphNode>;
  readonly #links: Map<string, GraphLink>;
  #view: Graph | undefined;

  constructor(
    readonly name: string,
    nodes?: Iterable<[string, GraphNode]>,
    links?: Iterable<[string, GraphLink]>,
  ) {
    this.#nodes = new Map(nodes);
    this.#links = new Map(links);
  }

  /** The same object until something changes. */
  get view(): Graph {
    return (this.#view ??= {
      name: this.name,
      version: this.version,
      nodes: new Map(this.#nodes),
      links: [...this.#links.values()],
      undoable: this.undoable,
      redoable: this.redoable,
    });
  }

  /** As it would be with these changes. */
  with(changes: readonly Change[]): GraphDraft {
    const draft = new GraphDraft(this.name, this.#nodes, this.#links);
    draft.count(this.version, this.undoable, this.redoable);
    // What has come already stays as it came.
    for (const change of changes) {
      if (change.type !== "node-created" || !draft.#nodes.has(change.node.node_id)) draft.apply(change);
    }
    return draft;
  }

  add({ version, undoable, redoable, nodes, links }: GraphPiece): void {
    for (const node of nodes) this.#nodes.set(node.node_id, node);
    for (const link of links) this.#links.set(key(link), link);
    this.count(version, undoable, redoable);
  }

  count(version: number, undoable: number, redoable: number): void {
    this.version = version;
    this.undoable = undoable;
    this.redoable = redoable;
    this.#view = undefined;
  }

  apply(change: Change): void {
    this.#view = undefined;
    switch (change.type) {
      case "node-created":
        this.#nodes.set(change.node.node_id, change.node);
        break;
      case "node-deleted":
        this.#nodes.delete(change.node_id);
        for (const [id, { node_id }] of this.#links) {
          if (node_id === change.node_id) this.#links.delete(id);
        }
        break;
      case "node-linked": {
        const { parent_id, node_id } = change;
        this.#links.set(key(change), { parent_id, node_id });
        break;
      }
      case "node-unlinked":
        this.#links.delete(key(change));
        break;
      default:
        this.#property(change);
    }
  }

  #property(change: Extract<Change, { key: string }>): void {
    const node = this.#nodes.get(change.node_id);
    if (!node) return;
    const { [change.key]: _, ...others } = node.properties;
    const properties =
      change.type === "property-changed" ? { ...others, [change.key]: change.value } : others;
    this.#nodes.set(change.node_id, { ...node, properties });
  }
}

function key({ parent_id, node_id }: GraphLink): string {
  return `${parent_id} ${node_id}`;
}
