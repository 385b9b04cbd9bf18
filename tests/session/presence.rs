//! An edge that dies takes its participants with it.

use std::time::{Duration, Instant};

use roomcast_proto::v1;

use super::{open, sessions};
use crate::support::{Core, eventually};

async fn announce(core: &Core, edge_id: &str, presences: Vec<v1::Presence>) -> bool {
    let wanted = v1::AnnouncePresenceRequest { edge_id: edge_id.to_owned(), presences };
    sessions(core).announce_presence(wanted).await.unwrap().into_inner().known
}

fn here(session_id: &str, user_id: &str) -> Vec<v1::Presence> {
    let (topic, user_id) = (format!("session:{session_id}"), user_id.to_owned());
    vec![v1::Presence { topic, user_id, connections: 1, tenant: String::new() }]
}

async fn participants(core: &Core, session_id: &str) -> Vec<String> {
    let wanted = v1::ListParticipantsRequest { session_id: session_id.to_owned() };
    let listed = sessions(core).list_participants(wanted).await.unwrap().into_inner();
    listed.participants.into_iter().map(|user| user.user_id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_edge_takes_its_users_within_its_lease_also_over_a_killed_core() {
    let mut core = Core::start().await;
    let session_id = open(&core).await;
    announce(&core, "lives", here(&session_id, "ana")).await;
    announce(&core, "dies", here(&session_id, "ben")).await;
    let both = async || (participants(&core, &session_id).await == ["ana", "ben"]).then_some(());
    eventually("both are there", both).await;
    core.kill();
    core.restart().await;
    let began = Instant::now();
    assert_eq!(participants(&core, &session_id).await, ["ana", "ben"], "a restart is no leaving");
    eventually("the core knows the edge", async || {
        announce(&core, "lives", vec![]).await.then_some(())
    })
    .await;
    eventually("only the user of the edge that lives is there", async || {
        assert!(announce(&core, "lives", vec![]).await, "it keeps its lease");
        (participants(&core, &session_id).await == ["ana"]).then_some(())
    })
    .await;
    let took = began.elapsed();
    assert!(took > Duration::from_secs(10), "every edge has a lease to come back: {took:?}");
    assert!(!announce(&core, "dies", vec![]).await, "it must announce everybody again");
}
