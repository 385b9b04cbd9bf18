//! Real browsers in one session, and one in another.

use serde_json::{Value, json};

use super::{command, join, known, node, open_for, stored};
use crate::support::{Clients, Socket, System, eventually, user};

const COMMANDS: usize = 60;

/// What one of them does, without waiting: both make the same nodes, overwrite each other's values,
/// link and undo. Some of it is refused.
fn edit(socket: &Socket, session_id: &str, name: &str) {
    for number in 0..COMMANDS {
        let id = format!("n{}", number % 9);
        let wanted = match number % 5 {
            0 | 1 => node(&id),
            2 => json!({ "type": "link_node", "parent_id": "n0", "node_id": id }),
            3 => {
                let value = json!({ "by": name, "number": number });
                json!({ "type": "set_property", "node_id": id, "key": "k", "value": value })
            }
            _ => {
                socket.emit("undo", &json!({ "session_id": session_id }));
                continue;
            }
        };
        socket.emit("execute_command", &command(session_id, &wanted));
    }
}

async fn is_done(socket: &Socket, session_id: &str, name: &str) {
    let last = command(session_id, &node(&format!("last-of-{name}")));
    let answer = socket.ask("execute_command", &last).await;
    assert_eq!(answer["ok"], true, "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_browsers_that_edit_at_once_have_one_graph_and_a_third_elsewhere_sees_nothing() {
    let system = System::start().await;
    let (_, session_id) = open_for(&system.core, &["ana", "ben"]).await;
    let (_, other) = open_for(&system.core, &["eve"]).await;
    let url = system.edge.url();
    let (one, two, three) =
        tokio::join!(Clients::chromium(&url), Clients::chromium(&url), Clients::chromium(&url));
    let ana = one.connect(&url, Some(&user("ana")));
    let ben = two.connect(&format!("{url}/graph"), Some(&user("ben")));
    let eve = three.connect(&format!("{url}/graph"), Some(&user("eve")));
    for (socket, session_id) in [(&ana, &session_id), (&ben, &session_id), (&eve, &other)] {
        socket.connected().await;
        join(socket, session_id).await;
    }
    edit(&ana, &session_id, "ana");
    edit(&ben, &session_id, "ben");
    tokio::join!(is_done(&ana, &session_id, "ana"), is_done(&ben, &session_id, "ben"));
    // Either may have taken back what the other did last; all they did has been done by now.
    is_done(&ben, &session_id, "both").await;
    let stored = stored(&system.core, &session_id).await;
    assert!(stored["nodes"].as_object().unwrap().contains_key("last-of-both"));
    for socket in [&ana, &ben] {
        eventually("its page has the graph", async || {
            (known(socket).await == stored).then_some(())
        })
        .await;
    }
    assert_eq!(eve.ask("ping", &json!({})).await["ok"], true);
    assert_eq!(known(&eve).await, Value::Null);
    let of_others = eve.events().into_iter().filter(|(_, told)| told["session_id"] == session_id);
    assert_eq!(of_others.count(), 0);
}
