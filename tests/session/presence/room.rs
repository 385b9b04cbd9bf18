//! Who is in a room: events of its log, for rooms that ask for it.

use std::time::Duration;

use serde_json::json;

use super::{Here, enter, folded, in_room};
use crate::support::{Clients, Core, Edge, Sse, admin, admin_of, eventually, user, within};

/// An edge's lease, and what a busy machine may take.
const PATIENCE: Duration = Duration::from_secs(40);
/// One room that tells who is in it, and one that does not.
const ROOMS: &str = "lobby = { presence = true, publish = \"everyone\", last = true }\nopen = {}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_in_a_room_is_told_in_its_log_over_edges_and_tenants() {
    let core = Core::start_with(&["--rooms", ROOMS]).await;
    let (lives, mut dies) = (Edge::start(&core).await, Edge::start(&core).await);
    let (node, python) = (Clients::node().await, Clients::python().await);
    let ana = node.connect(&lives.url(), Some(&user("ana")));
    let ben = python.connect(&dies.url(), Some(&user("ben")));
    for socket in [&ana, &ben] {
        socket.connected().await;
        enter(socket, "lobby").await;
        enter(socket, "open").await;
    }
    let both = Here::named(&[("ana", 1), ("ben", 1)]);
    eventually("both know of both", async || {
        (folded(&ana) == both && folded(&ben) == both).then_some(())
    })
    .await;
    let root = lives.rest(&admin("root"));
    assert_eq!(in_room(&root, "lobby").await, both);
    let told = ana.event_where("presence", |event| event["participants"] == 2).await;
    assert_eq!((&told["room"], &told["topic"]), (&json!("lobby"), &json!("room:lobby")));

    // A stream is a connection like any other, and begins with how the room stands.
    let mut stream = Sse::open(&root, "/topics/room:lobby/events", None).await;
    let snapshot = stream.next().await.unwrap();
    assert!(snapshot.data.to_string().contains("\"participants\":2"), "{snapshot:?}");
    let three = Here::named(&[("ana", 1), ("ben", 1), ("root", 1)]);
    eventually("the stream is there", async || (folded(&ana) == three).then_some(())).await;
    drop(stream);
    eventually("the stream has gone", async || (folded(&ana) == both).then_some(())).await;

    let foreign = lives.rest(&admin_of("elsewhere", "eve"));
    assert_eq!(in_room(&foreign, "lobby").await, Here::named(&[]));
    let ana_rest = lives.rest(&user("ana"));
    assert_eq!(ana_rest.get("/rooms/open/presence").await.problem(), "invalid_argument");
    assert_eq!(ana_rest.get("/rooms/secret/presence").await.problem(), "topic_not_found");
    let forged = json!({ "type": "presence", "data": { "participants": 0 } });
    let forged = ana_rest.post("/topics/room:lobby/events", &forged).await;
    assert_eq!(forged.problem(), "invalid_argument");

    dies.kill();
    let alone = Here::named(&[("ana", 1)]);
    within(PATIENCE, "ben is gone", async || (folded(&ana) == alone).then_some(())).await;
    assert_eq!(in_room(&root, "lobby").await, alone);
    let page = root.get("/topics/room:lobby/events?types=presence&limit=1000").await.ok(200);
    let last = page["events"].as_array().and_then(|events| events.last()).cloned().unwrap();
    assert_eq!(Here::listed(&last["data"]["users"]), alone, "the last event is all of it");
    let elsewhere = ana.events().into_iter().filter(|(name, _)| name == "presence");
    assert!(elsewhere.into_iter().all(|(_, event)| event["room"] == "lobby"));
}
