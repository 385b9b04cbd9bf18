//! Two people in one session, and a third in another.

use std::collections::BTreeMap;

use roomcast_proto::v1::watch_session_response::Frame;
use roomcast_proto::v1::{self, event, session_event};
use tokio::sync::watch::{Receiver, channel};

use super::{create_node, graph, open, sessions};
use crate::support::Core;

const COMMANDS: usize = 100;

/// Nodes and the value of their property `k`.
type Folded = BTreeMap<String, Option<String>>;

fn fold(folded: &mut Folded, event: v1::Event) {
    let Some(event::Body::Session(fact)) = event.body else { panic!("{event:?}") };
    match fact.kind.unwrap() {
        session_event::Kind::NodeCreated(made) => {
            folded.insert(made.node.unwrap().node_id, None);
        }
        session_event::Kind::NodeDeleted(gone) => {
            folded.remove(&gone.node_id);
        }
        session_event::Kind::PropertyChanged(changed) => {
            folded.insert(changed.node_id, Some(changed.value));
        }
        session_event::Kind::PropertyDeleted(gone) => {
            folded.insert(gone.node_id, None);
        }
        _ => {}
    }
}

/// Watches a session until its log has come to `end`, folding what it is told.
async fn watch(core: &Core, session_id: &str, mut end: Receiver<String>) -> Folded {
    let wanted =
        v1::WatchSessionRequest { session_id: session_id.to_owned(), ..Default::default() };
    let mut frames = sessions(core).watch_session(wanted).await.unwrap().into_inner();
    let (mut folded, mut last) = (Folded::new(), String::from("nothing yet"));
    while *end.borrow_and_update() != last {
        let frame = tokio::select! {
            frame = frames.message() => frame.unwrap().expect("a frame").frame.unwrap(),
            Ok(()) = end.changed() => continue,
        };
        match frame {
            Frame::Snapshot(snapshot) => {
                last = snapshot.session.unwrap().cursor;
                let nodes = snapshot.graphs.into_iter().flat_map(|graph| graph.nodes);
                folded = nodes.map(known).collect();
            }
            Frame::Event(event) => {
                assert_eq!(event.topic, format!("session:{session_id}"));
                last.clone_from(&event.cursor);
                fold(&mut folded, event);
            }
            _ => {}
        }
    }
    folded
}

fn known(node: v1::Node) -> (String, Option<String>) {
    let value = node.properties.get("k").cloned();
    (node.node_id, value)
}

async fn edit(core: &Core, session_id: &str, name: &str) {
    let mut sessions = sessions(core);
    for number in 0..COMMANDS {
        let node_id = format!("n{}", number % 7);
        // Each tries to make the same nodes and overwrites the other's values: some are refused.
        let _ = sessions.execute_command(create_node(session_id, &node_id)).await;
        let (key, value) = ("k".to_owned(), format!("\"{name} {number}\""));
        let set = v1::SetProperty { node_id, key, value };
        let command = v1::Command { kind: Some(v1::command::Kind::SetProperty(set)) };
        let session_id = session_id.to_owned();
        let wanted =
            v1::ExecuteCommandRequest { session_id, command: Some(command), ..Default::default() };
        sessions.execute_command(wanted).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_editors_see_one_graph_and_a_third_elsewhere_sees_nothing_of_it() {
    let core = Core::start().await;
    let (session_id, other) = (open(&core).await, open(&core).await);
    let (end, ended) = channel(String::new());
    let (quiet, silent) = channel(String::new());
    let edits = async {
        tokio::join!(edit(&core, &session_id, "ana"), edit(&core, &session_id, "ben"));
        for (session_id, end) in [(&session_id, &end), (&other, &quiet)] {
            let done = sessions(&core).execute_command(create_node(session_id, "last")).await;
            end.send_replace(done.unwrap().into_inner().cursor);
        }
    };
    let watching = async {
        tokio::join!(
            watch(&core, &session_id, ended.clone()),
            watch(&core, &session_id, ended.clone()),
            watch(&core, &other, silent),
        )
    };
    let ((), (ana, ben, third)) = tokio::join!(edits, watching);
    let stored: Folded = graph(&core, &session_id).await.nodes.into_iter().map(known).collect();
    assert_eq!((&ana, &ben), (&stored, &stored));
    assert_eq!(third.keys().collect::<Vec<_>>(), ["last"]);
}
