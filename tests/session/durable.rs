//! `kill -9` of the core while two people edit.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use roomcast_proto::v1;

use super::{create_node, graph, open, sessions};
use crate::support::{Core, eventually};

/// Acknowledged commands before the core is killed.
const BURST: usize = 120;
const KILLS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_commands_and_their_history_survive_a_killed_core() {
    let mut core = Core::start().await;
    let session_id = open(&core).await;
    let acked = Arc::new(Mutex::new(BTreeSet::new()));
    // Undoing and redoing are versions as well.
    let mut undone = 0;
    for kill in 1..=KILLS {
        let editors = ["ana", "ben"].map(|name| {
            let (mut sessions, acked) = (sessions(&core), Arc::clone(&acked));
            let session_id = session_id.clone();
            tokio::spawn(async move {
                for number in 0.. {
                    let node_id = format!("{name}-{kill}-{number}");
                    if sessions.execute_command(create_node(&session_id, &node_id)).await.is_err() {
                        return;
                    }
                    acked.lock().unwrap().insert(node_id);
                }
            })
        });
        let enough = async || (acked.lock().unwrap().len() >= kill * BURST).then_some(());
        eventually("a burst is acknowledged", enough).await;
        core.kill();
        for editor in editors {
            editor.await.unwrap();
        }
        core.restart().await;
        let before = graph(&core, &session_id).await;
        let nodes: BTreeSet<_> = before.nodes.iter().map(|node| node.node_id.clone()).collect();
        assert!(nodes.is_superset(&acked.lock().unwrap()), "an acknowledged node is gone");
        assert_eq!(before.version, nodes.len() as u64 + undone, "each command is one version");
        for _ in 0..10 {
            let undo =
                v1::UndoCommandRequest { session_id: session_id.clone(), ..Default::default() };
            sessions(&core).undo_command(undo).await.unwrap();
        }
        assert_eq!(graph(&core, &session_id).await.nodes.len(), nodes.len() - 10);
        for _ in 0..10 {
            let redo =
                v1::RedoCommandRequest { session_id: session_id.clone(), ..Default::default() };
            sessions(&core).redo_command(redo).await.unwrap();
        }
        assert_eq!(graph(&core, &session_id).await.nodes, before.nodes);
        undone += 20;
    }
}
