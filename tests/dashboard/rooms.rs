//! Rooms as an installation declares them, in the file of its settings.

use std::io::Write as _;

use serde_json::json;

use crate::support::{Clients, Core, Edge, admin, eventually, user, user_with_role};

const SETTINGS: &str = r#"
[core.rooms.ward]
read = ["role:nurse", "user:vera"]
publish = ["role:nurse"]

[core.rooms.load]
merge = "last_value"
last = true
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rooms_are_declared_in_the_settings_file() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(SETTINGS.as_bytes()).unwrap();
    let core = Core::start_from_file(file.path()).await;
    let edge = Edge::start(&core).await;
    let node = Clients::node().await;
    let join = async |token: &str, room: &str| {
        let socket = node.connect(&edge.url(), Some(&token.to_owned()));
        socket.connected().await;
        (socket.ask("join_room", &json!({ "room": room })).await, socket)
    };
    let (answer, nurse) = join(&user_with_role("nina", "nurse"), "ward").await;
    assert_eq!(answer["ok"], true, "{answer}");
    assert_eq!(join(&user("vera"), "ward").await.0["ok"], true);
    let (refused, _) = join(&user("ana"), "ward").await;
    assert_eq!(refused["error"]["code"], "topic_not_found");
    let said = json!({ "room": "ward", "type": "bell", "data": {} });
    assert_eq!(nurse.ask("publish", &said).await["ok"], true);
    nurse.event("bell").await;

    let (_, watcher) = join(&user("ana"), "load").await;
    let root = edge.rest(&admin("root"));
    let burst = (0..50).map(|n| {
        let (root, event) = (root.clone(), json!({ "type": "cpu", "data": { "n": n } }));
        async move { root.post("/topics/room:load/events", &event).await.ok(201) }
    });
    let offsets = futures::future::join_all(burst).await;
    let last = offsets.iter().filter_map(|answer| answer["offset"].as_u64()).max().unwrap();
    assert!(last < 50, "merged: {last}");
    eventually("all that was logged arrives", async || {
        let got = watcher.events().into_iter().filter(|(name, _)| name == "cpu").count();
        (got as u64 == last).then_some(())
    })
    .await;
}
