import type { Graph } from "@roomcast/client";
import type { ReactNode } from "react";
import { plural } from "../../data/words.js";
import { Panel } from "../../ui/panel.js";
import { Empty } from "../../ui/state.js";
import { Drawing } from "./drawing.js";

interface GraphPanelProps {
  readonly graph: Graph | undefined;
  /** Of all graphs of the session. */
  readonly names: readonly string[];
  readonly choose: (name: string) => void;
  readonly selected: string | undefined;
  readonly select: (id: string | undefined) => void;
}

/** One of the session's graphs, drawn. */
export function GraphPanel({ graph, names, choose, selected, select }: GraphPanelProps): ReactNode {
  const tabs = names.length > 1 && (
    <div className="tabs" role="group" aria-label="Graph">
      {names.map((name) => (
        <button key={name} type="button" aria-pressed={name === graph?.name} onClick={() => choose(name)}>
          {name}
        </button>
      ))}
    </div>
  );
  const figures = graph && (
    <span className="faint">
      version {graph.version} · {plural(graph.nodes.size, "node")} · {plural(graph.links.length, "link")}
    </span>
  );
  return (
    <Panel
      title="Graph"
      aside={
        <>
          {tabs}
          {figures}
        </>
      }
    >
      {graph && graph.nodes.size > 0 ? (
        <Drawing graph={graph} selected={selected} select={select} />
      ) : (
        <Empty title="Nothing is drawn yet" />
      )}
    </Panel>
  );
}
