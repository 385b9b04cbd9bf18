import type { Command, Graph } from "@roomcast/client";
import { useState, type FormEvent, type ReactNode } from "react";
import { Confirmed } from "../../ui/confirmed.js";
import { Panel } from "../../ui/panel.js";

interface CommandsProps {
  readonly graph: Graph | undefined;
  readonly selected: string | undefined;
  readonly execute: (command: Command) => void;
}

/** Changes to the graph: a node, and properties of the selected one. */
export function Commands({ graph, selected, execute }: CommandsProps): ReactNode {
  const node = selected === undefined ? undefined : graph?.nodes.get(selected);
  return (
    <Panel
      title="Change"
      aside={
        <span className="faint">{node ? `selected: ${node.name || node.node_id}` : "select a node to change it"}</span>
      }
    >
      <div className="commands">
        <CreateNode parent={node?.node_id} execute={execute} />
        {node && <SetProperty nodeId={node.node_id} execute={execute} />}
        {node && (
          <Confirmed
            label="Delete node"
            question="Really delete?"
            act={() => execute({ type: "delete_node", node_id: node.node_id })}
          />
        )}
      </div>
    </Panel>
  );
}

interface CreateNodeProps {
  readonly parent: string | undefined;
  readonly execute: (command: Command) => void;
}

function CreateNode({ parent, execute }: CreateNodeProps): ReactNode {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const [name, node_type] = [String(form.get("name")), String(form.get("type"))];
    execute({ type: "create_node", name, node_type, ...(parent !== undefined && { parent_id: parent }) });
    event.currentTarget.reset();
  };
  return (
    <form className="toolbar" onSubmit={submit}>
      <input name="name" className="input" aria-label="Name of the node" placeholder="Name" required maxLength={256} />
      <input name="type" className="input" aria-label="Type of the node" placeholder="Type" required maxLength={256} />
      <button type="submit" className="button">
        {parent === undefined ? "Add node" : "Add below"}
      </button>
    </form>
  );
}

interface SetPropertyProps {
  readonly nodeId: string;
  readonly execute: (command: Command) => void;
}

function SetProperty({ nodeId, execute }: SetPropertyProps): ReactNode {
  const [problem, setProblem] = useState<string>();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    try {
      const value: unknown = JSON.parse(String(form.get("value")));
      execute({ type: "set_property", node_id: nodeId, key: String(form.get("key")), value });
      setProblem(undefined);
      event.currentTarget.reset();
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <form className="toolbar" onSubmit={submit}>
      <input name="key" className="input" aria-label="Property" placeholder="Property" required maxLength={128} />
      <input
        name="value"
        className="input input-code"
        aria-label="Value, as JSON"
        placeholder='Value, as JSON: "red", 3, true'
        required
      />
      <button type="submit" className="button">
        Set
      </button>
      {problem && (
        <span className="bad" role="alert">
          {problem}
        </span>
      )}
    </form>
  );
}
