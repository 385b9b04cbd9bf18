// What an application does to know a session's graphs: it takes the state it is told, and folds every
// event that follows into it. Both spellings of the names will do.
export function fold() {
  let graphs = {};

  const graph = (name) => (graphs[name] ??= { nodes: {}, links: [] });
  const isLink = (event) => (link) =>
    link.parent_id === event.parent_id && link.node_id === event.node_id;
  const node = ({ node_type, name, parent_id = null, properties }) => ({
    node_type,
    name,
    parent_id,
    properties: { ...properties },
  });

  const changes = {
    session_state(state) {
      if (state.part === 1) graphs = {};
      for (const part of state.graphs) {
        for (const one of part.nodes) graph(part.name).nodes[one.node_id] = node(one);
        graph(part.name).links.push(...part.links);
      }
    },
    "node-created": (event) => (graph(event.graph).nodes[event.node_id] = node(event)),
    "node-deleted": (event) => delete graph(event.graph).nodes[event.node_id],
    "node-linked": ({ parent_id, node_id, graph: name }) =>
      graph(name).links.push({ parent_id, node_id }),
    "node-unlinked"(event) {
      const { links } = graph(event.graph);
      links.splice(links.findIndex(isLink(event)), 1);
    },
    "property-changed": (event) =>
      (graph(event.graph).nodes[event.node_id].properties[event.key] = event.value),
    "property-deleted": (event) =>
      delete graph(event.graph).nodes[event.node_id].properties[event.key],
  };

  return {
    take: (event, payload) => changes[event.replace(/^graph:/, "")]?.(payload),
    known: () => graphs,
  };
}
