//! Sessions that several people edit: over the core's own door, and over Socket.IO in both namespaces.

mod browsers;
mod durable;
mod edit;
mod isolation;
mod large;
mod namespaces;
mod presence;
mod python;
mod socket;
mod terminal;

use std::collections::BTreeMap;

use roomcast_identity::Scope;
use roomcast_proto::v1;
use serde_json::{Value, json};

use crate::support::{Caller, Core, Sessions, Socket};

/// The session service, for a service with every scope.
fn sessions(core: &Core) -> Sessions {
    Caller::service(&[Scope::Admin]).sessions(core.channel())
}

/// A session in a project of its own.
async fn open(core: &Core) -> String {
    open_for(core, &[]).await.1
}

/// A session in a project of its own with these members besides the service, and that project: the
/// first is its owner, the others are editors.
async fn open_for(core: &Core, members: &[&str]) -> (String, String) {
    let owner = members.first().copied().unwrap_or_default().to_owned();
    let wanted = v1::CreateProjectRequest { name: "p".to_owned(), owner, ..Default::default() };
    let made = sessions(core).create_project(wanted).await.unwrap().into_inner();
    let project_id = made.project.unwrap().project_id;
    for editor in members.iter().skip(1) {
        set_role(core, &project_id, editor, v1::Role::Editor).await;
    }
    let wanted = v1::CreateSessionRequest { project_id: project_id.clone(), ..Default::default() };
    let made = sessions(core).create_session(wanted).await.unwrap().into_inner();
    (project_id, made.session.unwrap().session_id)
}

async fn set_role(core: &Core, project_id: &str, user: &str, role: v1::Role) {
    let member = Some(v1::Member { user_id: user.to_owned(), role: role.into() });
    let wanted = v1::SetMemberRequest { project_id: project_id.to_owned(), member };
    sessions(core).set_member(wanted).await.unwrap();
}

fn create_node(session_id: &str, node_id: &str) -> v1::ExecuteCommandRequest {
    let node = Some(v1::Node { node_id: node_id.to_owned(), ..Default::default() });
    let kind = Some(v1::command::Kind::CreateNode(v1::CreateNode { node }));
    let command = Some(v1::Command { kind });
    let session_id = session_id.to_owned();
    v1::ExecuteCommandRequest { session_id, command, ..Default::default() }
}

/// `execute_command`'s argument.
fn command(session_id: &str, command: &Value) -> Value {
    json!({ "session_id": session_id, "command": command })
}

/// The command that makes a node.
fn node(node_id: &str) -> Value {
    json!({ "type": "create_node", "node_id": node_id, "node_type": "box", "name": node_id })
}

/// Joins a session, which the edge lets it.
async fn join(socket: &Socket, session_id: &str) -> Value {
    let answer = socket.ask("join_session", &json!({ "session_id": session_id })).await;
    assert_eq!(answer["ok"], true, "{answer}");
    answer
}

/// Has a command done.
async fn execute(socket: &Socket, session_id: &str, wanted: &Value) -> Value {
    let answer = socket.ask("execute_command", &command(session_id, wanted)).await;
    assert_eq!(answer["ok"], true, "{answer}");
    answer
}

/// The code of a refusal.
fn refused(answer: &Value) -> &str {
    assert_eq!(answer["ok"], false, "{answer}");
    answer["error"]["code"].as_str().unwrap()
}

/// The core's graph in the form in which a client knows it: see tests/node/graphs.mjs.
async fn stored(core: &Core, session_id: &str) -> Value {
    let graph = graph(core, session_id).await;
    let nodes = graph.nodes.into_iter().map(|node| {
        let values = node.properties.into_iter();
        let properties: BTreeMap<_, Value> =
            values.map(|(key, text)| (key, serde_json::from_str(&text).unwrap())).collect();
        let parent_id = Some(node.parent_id).filter(|id| !id.is_empty());
        let known = json!({
            "node_type": node.node_type, "name": node.name,
            "parent_id": parent_id, "properties": properties,
        });
        (node.node_id, known)
    });
    let link = |link: v1::Link| json!({ "parent_id": link.parent_id, "node_id": link.node_id });
    let links: Vec<_> = graph.links.into_iter().map(link).collect();
    sorted(json!({ "nodes": nodes.collect::<BTreeMap<_, _>>(), "links": links }))
}

/// What a client knows of the graph `main`.
async fn known(socket: &Socket) -> Value {
    sorted(socket.graphs().await["main"].take())
}

/// The order of links means nothing.
fn sorted(mut graph: Value) -> Value {
    if let Some(links) = graph.get_mut("links").and_then(Value::as_array_mut) {
        links.sort_by_key(Value::to_string);
    }
    graph
}

async fn graph(core: &Core, session_id: &str) -> v1::Graph {
    let wanted = v1::GetGraphRequest { session_id: session_id.to_owned(), ..Default::default() };
    sessions(core).get_graph(wanted).await.unwrap().into_inner().graph.unwrap()
}
