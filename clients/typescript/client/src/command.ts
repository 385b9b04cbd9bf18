import type { GraphNode } from "./generated/wire.js";

/** One change of a graph. docs/PROTOCOL.md says what each is refused with. */
export type Step =
  | {
      readonly type: "create_node";
      /** Chosen by the client where left out. */
      readonly node_id?: string;
      readonly node_type: string;
      readonly name: string;
      /** The node to link it below. */
      readonly parent_id?: string;
      readonly properties?: Readonly<Record<string, unknown>>;
    }
  | { readonly type: "delete_node"; readonly node_id: string }
  | {
      readonly type: "link_node" | "unlink_node";
      readonly parent_id: string;
      readonly node_id: string;
    }
  | {
      readonly type: "set_property";
      readonly node_id: string;
      readonly key: string;
      readonly value: unknown;
    }
  | { readonly type: "delete_property"; readonly node_id: string; readonly key: string };

/** A step, or several of which all are done or none. */
export type Command = Step | { readonly type: "batch"; readonly commands: readonly Step[] };

/** The command with an id for every node it creates: what is shown at once is what will be. */
export function named(command: Command): Command {
  if (command.type === "batch") return { ...command, commands: command.commands.map(namedStep) };
  return namedStep(command);
}

function namedStep(step: Step): Step {
  return step.type === "create_node" ? { node_id: newId(), ...step } : step;
}

/** An id that nobody else has. Pages without TLS have no `crypto.randomUUID`. */
export function newId(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}

/** A change of a graph, as its events tell it. */
export type Change =
  | { readonly type: "node-created"; readonly node: GraphNode }
  | { readonly type: "node-deleted"; readonly node_id: string }
  | {
      readonly type: "node-linked" | "node-unlinked";
      readonly parent_id: string;
      readonly node_id: string;
    }
  | {
      readonly type: "property-changed";
      readonly node_id: string;
      readonly key: string;
      readonly value: unknown;
    }
  | { readonly type: "property-deleted"; readonly node_id: string; readonly key: string };

/** What a command will change, if the server does not refuse it. */
export function changes(command: Command): Change[] {
  switch (command.type) {
    case "batch":
      return command.commands.flatMap(changes);
    case "create_node": {
      const { type: _, node_id = "", parent_id, properties = {}, ...rest } = command;
      const node = { ...rest, node_id, parent_id: parent_id ?? null, properties };
      const created: Change = { type: "node-created", node };
      return parent_id ? [created, { type: "node-linked", parent_id, node_id }] : [created];
    }
    case "delete_node":
      return [{ type: "node-deleted", node_id: command.node_id }];
    case "link_node":
      return [{ ...command, type: "node-linked" }];
    case "unlink_node":
      return [{ ...command, type: "node-unlinked" }];
    case "set_property":
      return [{ ...command, type: "property-changed" }];
    case "delete_property":
      return [{ ...command, type: "property-deleted" }];
  }
}
