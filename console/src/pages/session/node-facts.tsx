import type { GraphNode } from "@roomcast/client";
import type { ReactNode } from "react";
import { Facts } from "../../ui/facts.js";
import { Json } from "../../ui/json.js";
import { Panel } from "../../ui/panel.js";
import { Empty } from "../../ui/state.js";

/** The selected node, all of it. */
export function NodeFacts({ node }: { readonly node: GraphNode | undefined }): ReactNode {
  if (!node) {
    return (
      <Panel title="Node">
        <Empty title="It is gone" />
      </Panel>
    );
  }
  return (
    <Panel title="Node">
      <Facts
        facts={[
          ["Name", node.name],
          ["Type", node.node_type],
          ["Id", <code>{node.node_id}</code>],
          ["Created below", node.parent_id && <code>{node.parent_id}</code>],
        ]}
      />
      {Object.keys(node.properties).length > 0 && <Json value={node.properties} label="Properties" />}
    </Panel>
  );
}
