//! `session_state`: a session as it stands, for those who join it. A large one comes in several parts,
//! so that none is longer than what a socket has room for.

use std::ops::Range;

use prost::Message as _;
use roomcast_proto::v1;
use serde::Serialize;
use socketioxide_core::Str;

use super::{Envelope, Graph, SessionSnapshot, now};

/// What one part holds of graphs, as they came from the core: with a node of the largest size, and all
/// that stands around texts in JSON, it is within what waits for one socket.
const PART_BYTES: usize = 64 * 1024;

/// A session as it stands, encoded once for all who are told it.
#[derive(Debug)]
pub(crate) struct SessionState {
    parts: Vec<Part>,
}

/// A part's event, `["session_state",{…}]`: the same text in every namespace.
#[derive(Debug)]
pub(crate) struct Part(Str);

/// What stands before a part's object.
const HEAD: &str = "[\"session_state\",";

/// A piece of one graph.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    graph: usize,
    nodes: Range<usize>,
    links: Range<usize>,
}

#[derive(Debug, Serialize)]
struct Body<'a> {
    #[serde(flatten)]
    snapshot: Option<SessionSnapshot<'a>>,
    part: usize,
    parts: usize,
}

impl SessionState {
    pub(crate) fn new(topic: &str, cursor: &str, snapshot: &v1::SessionSnapshot) -> Self {
        let split = split(&snapshot.graphs, PART_BYTES);
        let parts = split.iter().enumerate().map(|(at, pieces)| {
            let graphs = pieces.iter().map(|piece| piece.graph(&snapshot.graphs)).collect();
            let snapshot =
                SessionSnapshot::part(snapshot, graphs).map(SessionSnapshot::without_cursor);
            let body = Body { snapshot, part: at + 1, parts: split.len() };
            let object = serde_json::to_string(&body).unwrap_or_else(|_| "{}".to_owned());
            let envelope = Envelope {
                topic,
                // Whoever has some parts only has no state to go on from.
                cursor: if body.part == body.parts { cursor } else { "" },
                event_id: &format!("snapshot:{topic}:{cursor}:{}", body.part),
                trace_id: "",
                timestamp: now(),
            };
            Part::new(&envelope.seal(&object))
        });
        Self { parts: parts.collect() }
    }

    /// At least one.
    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Bytes it takes in memory, however many sockets of whatever namespaces are told it.
    pub(crate) fn size(&self) -> usize {
        self.parts.iter().map(|part| part.0.len()).sum()
    }
}

impl Part {
    fn new(payload: &str) -> Self {
        Self(Str::from([HEAD, payload, "]"].concat()))
    }

    /// What a packet carries.
    pub(crate) fn text(&self) -> &Str {
        &self.0
    }

    /// The text of one JSON object.
    pub(crate) fn payload(&self) -> &str {
        &self.0[HEAD.len()..self.0.len() - 1]
    }
}

impl Piece {
    fn graph<'a>(&self, graphs: &'a [v1::Graph]) -> Graph<'a> {
        let graph = &graphs[self.graph];
        Graph::part(graph, &graph.nodes[self.nodes.clone()], &graph.links[self.links.clone()])
    }
}

/// The parts of a state, each with its pieces; a graph without content is a piece as well.
fn split(graphs: &[v1::Graph], part_bytes: usize) -> Vec<Vec<Piece>> {
    let (mut parts, mut pieces, mut bytes) = (Vec::new(), Vec::new(), 0);
    for (at, graph) in graphs.iter().enumerate() {
        let mut piece = Piece { graph: at, nodes: 0..0, links: 0..0 };
        let nodes = graph.nodes.iter().map(v1::Node::encoded_len);
        let links = graph.links.iter().map(v1::Link::encoded_len);
        for (number, length) in nodes.chain(links).enumerate() {
            if bytes > 0 && bytes + length > part_bytes {
                let Piece { nodes, links, .. } = &piece;
                let next =
                    Piece { graph: at, nodes: nodes.end..nodes.end, links: links.end..links.end };
                pieces.push(std::mem::replace(&mut piece, next));
                parts.push(std::mem::take(&mut pieces));
                bytes = 0;
            }
            bytes += length;
            match number < graph.nodes.len() {
                true => piece.nodes.end += 1,
                false => piece.links.end += 1,
            }
        }
        pieces.push(piece);
    }
    parts.push(pieces);
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn graph(name: &str, nodes: usize, links: usize) -> v1::Graph {
        let id = |number: usize| format!("{name}-{number}");
        let node = |number| v1::Node { node_id: id(number), ..v1::Node::default() };
        let link = |number| v1::Link { parent_id: id(number), node_id: id(number + 1) };
        v1::Graph {
            name: name.to_owned(),
            nodes: (0..nodes).map(node).collect(),
            links: (0..links).map(link).collect(),
            ..v1::Graph::default()
        }
    }

    fn snapshot(graphs: Vec<v1::Graph>) -> v1::SessionSnapshot {
        let (session_id, cursor) = ("s".to_owned(), "c".to_owned());
        let session = Some(v1::Session { session_id, cursor, ..v1::Session::default() });
        v1::SessionSnapshot { session, graphs, ..v1::SessionSnapshot::default() }
    }

    fn payloads(state: &SessionState) -> Vec<Value> {
        state.parts().iter().map(|part| serde_json::from_str(part.payload()).unwrap()).collect()
    }

    #[test]
    fn a_small_session_is_one_part_with_its_cursor() {
        let state = SessionState::new("session:s", "c", &snapshot(vec![graph("main", 2, 1)]));
        let payloads = payloads(&state);
        let [only] = &payloads[..] else { panic!("{payloads:?}") };
        assert_eq!((&only["part"], &only["parts"]), (&1.into(), &1.into()));
        assert_eq!(state.parts()[0].payload().matches(r#""cursor":"#).count(), 1);
        assert_eq!((&only["session_id"], &only["cursor"]), (&"s".into(), &"c".into()));
        assert_eq!(only["graphs"][0]["nodes"][1]["node_id"], "main-1");
        assert_eq!(only["graphs"][0]["links"][0]["parent_id"], "main-0");
    }

    #[test]
    fn a_session_without_graphs_is_one_part_too() {
        assert_eq!(SessionState::new("session:s", "c", &snapshot(vec![])).parts().len(), 1);
    }

    #[test]
    fn of_a_large_session_only_the_last_part_has_the_cursor() {
        let state = SessionState::new("session:s", "c", &snapshot(vec![graph("main", 20_000, 0)]));
        let payloads = payloads(&state);
        assert!(payloads.len() > 2);
        let (last, others) = payloads.split_last().unwrap();
        assert_eq!(last["cursor"], "c");
        assert!(others.iter().all(|part| part.get("cursor").is_none()));
        let nodes =
            payloads.iter().map(|part| part["graphs"][0]["nodes"].as_array().unwrap().len());
        assert_eq!(nodes.sum::<usize>(), 20_000);
        assert!(state.parts().iter().all(|part| part.payload().len() < 512 * 1024));
    }

    proptest! {
        #[test]
        fn the_parts_hold_everything_once_and_in_order(
            sizes in prop::collection::vec((0..40_usize, 0..40_usize), 0..4),
            part_bytes in 1..200_usize,
        ) {
            let graphs: Vec<_> =
                sizes.iter().map(|(nodes, links)| graph("g", *nodes, *links)).collect();
            let parts = split(&graphs, part_bytes);
            let mut seen: Vec<_> = sizes.iter().map(|_| (0, 0)).collect();
            for piece in parts.iter().flatten() {
                let (nodes, links) = &mut seen[piece.graph];
                prop_assert_eq!((piece.nodes.start, piece.links.start), (*nodes, *links));
                (*nodes, *links) = (piece.nodes.end, piece.links.end);
            }
            prop_assert_eq!(seen, sizes);
            for part in &parts {
                let length = |piece: &Piece| {
                    let graph = &graphs[piece.graph];
                    let nodes = graph.nodes[piece.nodes.clone()].iter().map(v1::Node::encoded_len);
                    let links = graph.links[piece.links.clone()].iter().map(v1::Link::encoded_len);
                    (nodes.clone().count() + links.clone().count(), nodes.chain(links).sum::<usize>())
                };
                let (count, bytes) = part.iter().map(length).fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
                prop_assert!(bytes <= part_bytes || count == 1);
            }
        }
    }
}
