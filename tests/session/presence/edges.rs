//! Edges that end, a core that restarts, clients that come back.

use std::time::{Duration, Instant};

use roomcast_proto::v1::{Event, ListEventsRequest, event, session_event};

use super::{Here, announce, folded, heard_of, joined, listed, open_for};
use crate::support::{Clients, Core, Edge, System, eventually, within};

/// An edge's lease on its participants, and a moment more for two busy cores.
const LEASE: Duration = Duration::from_secs(15);
const PATIENCE: Duration = Duration::from_secs(40);

/// What the log says of who came and went: user and connections.
async fn told(core: &Core, session_id: &str) -> Vec<(String, u32)> {
    let topic = format!("session:{session_id}");
    let wanted = ListEventsRequest { topic, page_size: 1000, ..Default::default() };
    let page = core.broadcast().list_events(wanted).await.unwrap().into_inner();
    let change = |event: Event| {
        let Some(event::Body::Session(fact)) = event.body else { panic!("{event:?}") };
        match fact.kind.unwrap() {
            session_event::Kind::Presence(change) => Some((change.user_id, change.connections)),
            _ => None,
        }
    };
    page.events.into_iter().filter_map(change).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_at_a_killed_edge_is_gone_with_its_lease_and_the_others_stay() {
    let core = Core::start().await;
    let (lives, mut dies) = (Edge::start(&core).await, Edge::start(&core).await);
    let (_, session_id) = open_for(&core, &["ana", "ben", "vic"]).await;
    let clients = Clients::node().await;
    let ana = joined(&clients, &lives, "ana", &session_id).await;
    let _again = joined(&clients, &lives, "ana", &session_id).await;
    let vic = joined(&clients, &lives, "vic", &session_id).await;
    let python = Clients::python().await;
    let ben = joined(&python, &dies, "ben", &session_id).await;
    let all = Here::named(&[("ana", 2), ("ben", 1), ("vic", 1)]);
    eventually("all are there", async || (folded(&vic) == all).then_some(())).await;
    assert_eq!(listed(&lives, &session_id).await, all);

    dies.kill();
    let killed = Instant::now();
    let rest = Here::named(&[("ana", 2), ("vic", 1)]);
    within(PATIENCE, "ben is gone", async || (folded(&vic) == rest).then_some(())).await;
    let took = killed.elapsed();
    assert!(took > LEASE / 3, "it may have been a pause: {took:?}");
    assert!(took < LEASE + Duration::from_secs(5), "within the lease: {took:?}");
    assert_eq!(listed(&lives, &session_id).await, rest);
    eventually("ana is told as well", async || (folded(&ana) == rest).then_some(())).await;
    let (came, went) =
        (("session:connected".to_owned(), 1), ("session:disconnected".to_owned(), 0));
    assert_eq!(heard_of(&vic, "vic"), std::slice::from_ref(&came), "who stays is told of once");
    assert_eq!(heard_of(&vic, "ben"), [came, went]);

    // An edge that ends in good order says so: nobody waits for its lease. The client that was there
    // would come back by itself as well.
    ben.disconnect();
    dies.restart().await;
    let _ben = joined(&python, &dies, "ben", &session_id).await;
    eventually("ben is back", async || (folded(&vic) == all).then_some(())).await;
    let began = Instant::now();
    dies.terminate().await;
    within(PATIENCE, "ben is gone", async || (folded(&vic) == rest).then_some(())).await;
    assert!(began.elapsed() < LEASE, "{:?}", began.elapsed());
    assert_eq!(listed(&lives, &session_id).await, rest);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_the_core_is_no_event_and_who_went_meanwhile_is_gone() {
    let mut system = System::start().await;
    let (_, session_id) = open_for(&system.core, &["ana", "ben"]).await;
    let clients = Clients::node().await;
    let ana = joined(&clients, &system.edge, "ana", &session_id).await;
    let ben = joined(&clients, &system.edge, "ben", &session_id).await;
    announce(&system.core, "silent", &session_id, &["ghost"]).await;
    let all = Here::named(&[("ana", 1), ("ben", 1), ("ghost", 1)]);
    eventually("all are there", async || {
        (listed(&system.edge, &session_id).await == all).then_some(())
    })
    .await;
    let before = told(&system.core, &session_id).await;
    assert_eq!(before.len(), 3, "{before:?}");
    system.core.kill();
    ben.disconnect();
    system.core.restart().await;
    let rest = Here::named(&[("ana", 1)]);
    within(PATIENCE, "the edge that never came back is given up", async || {
        (listed(&system.edge, &session_id).await == rest).then_some(())
    })
    .await;
    let after = told(&system.core, &session_id).await;
    let mut gone = after[3..].to_vec();
    gone.sort();
    assert_eq!(gone, [("ben".to_owned(), 0), ("ghost".to_owned(), 0)]);
    eventually("ana was told of both", async || (folded(&ana) == rest).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_back_at_once_was_never_gone() {
    let core = Core::start().await;
    let edges = [Edge::start(&core).await, Edge::start(&core).await];
    let (_, session_id) = open_for(&core, &["ana", "ben", "vic"]).await;
    let clients = Clients::node().await;
    let vic = joined(&clients, &edges[0], "vic", &session_id).await;
    let ana = joined(&clients, &edges[0], "ana", &session_id).await;
    let ben = joined(&clients, &edges[0], "ben", &session_id).await;
    let all = Here::named(&[("ana", 1), ("ben", 1), ("vic", 1)]);
    eventually("all are there", async || (folded(&vic) == all).then_some(())).await;

    ana.drop_connection(&serde_json::json!({}));
    eventually("it is back", async || (ana.times("connect") == 2).then_some(())).await;
    // Told after everything that ana's lost connection could have been told of.
    ben.disconnect();
    vic.event_where("session:disconnected", |event| event["user_id"] == "ben").await;
    assert_eq!(heard_of(&vic, "ana"), [("session:connected".to_owned(), 1)]);

    ana.drop_connection(&serde_json::json!({ "url": edges[1].url() }));
    eventually("it is at the other edge", async || (ana.times("connect") == 3).then_some(())).await;
    let ben = joined(&clients, &edges[0], "ben", &session_id).await;
    eventually("ben is there", async || (heard_of(&vic, "ben").len() == 3).then_some(())).await;
    ben.disconnect();
    eventually("ben is gone", async || (heard_of(&vic, "ben").len() == 4).then_some(())).await;
    assert!(heard_of(&vic, "ana").iter().all(|(_, connections)| *connections > 0));
    eventually("vic knows who is there", async || {
        (listed(&edges[1], &session_id).await == folded(&vic)).then_some(())
    })
    .await;
}
