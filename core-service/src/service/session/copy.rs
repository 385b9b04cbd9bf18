//! Reading, saving and loading a graph. A graph may be large, so a save or load first copies it beside
//! itself, in parts that the writer takes between other commands, and then names the copy.

use roomcast_proto::registry::Code;

use super::*;
use crate::domain::graph::{Document, Link, Node};
use crate::domain::session::Copied;
use crate::service::wire::{check, command as wire_command};
use crate::store::session::{Found, Part, Which};

/// Bytes of one part: the writer is done with it in some milliseconds.
const PART_BYTES: u64 = 256 << 10;
/// Rows of one part, likewise.
const PART_ROWS: usize = 500;

impl Sessions {
    pub(super) async fn get_graph(
        &self,
        call: Admitted<v1::GetGraphRequest>,
    ) -> Result<v1::GetGraphResponse, Status> {
        let Admitted { request, thing: outline, .. } = call;
        let which = if request.save.is_empty() {
            Which::Graph(wire_command::graph(request.graph)?)
        } else {
            saved(request.save, request.version)?
        };
        let Found { graph, name, version, cursor } = self.read(&outline, which).await?;
        let at = version.is_none().then(|| wire_session::token(&outline.session, cursor));
        Ok(v1::GetGraphResponse {
            graph: Some(wire_session::graph(&name, &graph)),
            cursor: at.flatten().unwrap_or_default(),
        })
    }

    pub(super) async fn save_graph(
        &self,
        call: Admitted<v1::SaveGraphRequest>,
    ) -> Result<v1::SaveGraphResponse, Status> {
        let Admitted { caller, request, thing: outline, .. } = call;
        let (tenant, key) = (&outline.session.tenant, &request.idempotency_key);
        let idempotency = idempotency(&caller, tenant, "save_graph", key, &request)?;
        let name = check::name("name", request.name)?;
        let graph = wire_command::graph(request.graph)?;
        let found = self.read(&outline, Which::Graph(graph.clone())).await?;
        let copied = self.copy(&caller, &outline, (graph, name), found).await?;
        let command = SessionCommand::Save(copied);
        let receipt = self.change(&caller, request.session_id, command, idempotency).await?;
        let kept = receipt.kept();
        Ok(v1::SaveGraphResponse {
            version: kept.map_or(0, |kept| kept.version),
            graph_version: kept.map_or(0, |kept| kept.graph_version),
            cursor: receipt.cursor(),
        })
    }

    pub(super) async fn load_graph(
        &self,
        call: Admitted<v1::LoadGraphRequest>,
    ) -> Result<v1::LoadGraphResponse, Status> {
        let Admitted { caller, request, thing: outline, .. } = call;
        let (tenant, key) = (&outline.session.tenant, &request.idempotency_key);
        let idempotency = idempotency(&caller, tenant, "load_graph", key, &request)?;
        let graph = wire_command::graph(request.graph)?;
        let found = self.read(&outline, saved(request.name.clone(), request.version)?).await?;
        let copied = self.copy(&caller, &outline, (graph, request.name), found).await?;
        let command = SessionCommand::Load(copied);
        let receipt = self.change(&caller, request.session_id, command, idempotency).await?;
        let kept = receipt.kept();
        Ok(v1::LoadGraphResponse {
            version: kept.map_or(0, |kept| kept.version),
            graph_version: kept.map_or(0, |kept| kept.graph_version),
            cursor: receipt.cursor(),
        })
    }

    pub(super) async fn list_saves(
        &self,
        call: Admitted<v1::ListSavesRequest>,
    ) -> Result<v1::ListSavesResponse, Status> {
        let Admitted { request, .. } = call;
        let id = &request.session_id;
        let saves = self.log.store().saves(id).await.map_err(status)?;
        Ok(v1::ListSavesResponse { saves: saves.iter().map(wire_session::save).collect() })
    }

    /// A graph or a save. The graph that nobody has used yet is empty.
    async fn read(&self, outline: &Outline, which: Which) -> Result<Found, Status> {
        let id = &outline.session.session_id;
        let found = self.log.store().graph(id, which.clone()).await.map_err(status)?;
        match (found, which) {
            (Some(found), _) => Ok(found),
            (None, Which::Graph(name)) if name == crate::domain::graph::MAIN => Ok(Found {
                graph: crate::domain::session::Graph::default(),
                name,
                version: None,
                cursor: outline.cursor,
            }),
            (None, Which::Graph(name)) => {
                let message = format!("the session has no graph {name}");
                Err(wire_session::not_found(Code::GraphNotFound, "graph", &name, message))
            }
            (None, Which::Save { name, .. }) => {
                let message = format!("the session has no such save {name}");
                Err(wire_session::not_found(Code::SaveNotFound, "save", &name, message))
            }
        }
    }

    /// Copies what was read to a body of its own.
    async fn copy(
        &self,
        caller: &Caller,
        outline: &Outline,
        (graph, name): (String, String),
        found: Found,
    ) -> Result<Copied, Status> {
        let id = &outline.session.session_id;
        if outline.session.closed_at.is_some() {
            let refusal = session::Refusal::Closed(id.clone());
            return Err(status(crate::store::Refusal::Session(refusal).into()));
        }
        let body = new_body();
        let version = found.version.unwrap_or(0);
        let head = found.graph.head;
        for (at, (nodes, links)) in parts(found.graph.document).into_iter().enumerate() {
            let is_first = at == 0;
            let part = session::Action::PutPart(Part { body, is_first, nodes, links });
            self.commit(caller, part, None).await?;
        }
        Ok(Copied { graph, name, version, by: caller.name().to_owned(), body, head })
    }
}

fn saved(name: String, version: u64) -> Result<Which, Status> {
    let name = check::name("name", name)?;
    Ok(Which::Save { name, version: Some(version).filter(|version| *version > 0) })
}

/// A number that no other body has: bodies that graphs begin with count from 1.
fn new_body() -> u64 {
    const FIRST: u64 = 1 << 40;
    let (random, _) = uuid::Uuid::new_v4().as_u64_pair();
    FIRST + random / 4
}

/// Nodes and links.
type Piece = (Vec<Node>, Vec<Link>);

/// A document in parts; at least one.
fn parts(document: Document) -> Vec<Piece> {
    let (mut parts, mut part) = (Vec::new(), Piece::default());
    let (mut bytes, mut rows) = (0, 0);
    let mut make_room = |part: &mut Piece, more: u64| {
        if rows == PART_ROWS || bytes + more > PART_BYTES {
            parts.push(std::mem::take(part));
            (bytes, rows) = (0, 0);
        }
        (bytes, rows) = (bytes + more, rows + 1);
    };
    for node in document.nodes.into_values() {
        make_room(&mut part, node.bytes());
        part.0.push(node);
    }
    for link in document.links {
        make_room(&mut part, link.bytes());
        part.1.push(link);
    }
    parts.push(part);
    parts
}
