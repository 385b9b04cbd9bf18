//! Sessions that several people edit, over the core's own door.

mod durable;
mod edit;
mod presence;

use roomcast_identity::Scope;
use roomcast_proto::v1;

mod python;
mod socket;
mod terminal;

use std::collections::BTreeMap;
use crate::support::{Caller, Core, Sessions};

/// The session service, for a service with every scope.
fn sessions(core: &Core) -> Sessions {
    Caller::service(&[Scope::Admin]).sessions(core.channel())
}

/// A session in a project of its own.
async fn open(core: &Core) -> String {
    let wanted = v1::CreateProjectRequest { name: "p".to_owned(), ..Default::default() };
    let made = sessions(core).create_project(wanted).await.unwrap().into_inner();
    let project_id = made.project.unwrap().project_id;
    let wanted = v1::CreateSessionRequest { project_id, ..Default::default() };
    let made = sessions(core).create_session(wanted).await.unwrap().into_inner();
    made.session.unwrap().session_id
}

fn create_node(session_id: &str, node_id: &str) -> v1::ExecuteCommandRequest {
    let node = Some(v1::Node { node_id: node_id.to_owned(), ..Default::default() });
    let kind = Some(v1::command::Kind::CreateNode(v1::CreateNode { node }));
    let command = Some(v1::Command { kind });
    let session_id = session_id.to_owned();
    v1::ExecuteCommandRequest { session_id, command, ..Default::default() }
}

async fn graph(core: &Core, session_id: &str) -> v1::Graph {
    let wanted = v1::GetGraphRequest { session_id: session_id.to_owned(), ..Default::default() };
    sessions(core).get_graph(wanted).await.unwrap().into_inner().graph.unwrap()
}
