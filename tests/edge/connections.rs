//! Whom an operator sees connected.

use serde_json::json;

use crate::support::{Clients, Edge, System, admin, eventually, user};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_sees_who_is_in_one_topic_and_in_a_job_at_any_edge() {
    let system = System::start().await;
    let other = Edge::start_at(&system.core.url()).await;
    let clients = Clients::node().await;
    let ana = user("ana");
    let sockets =
        [clients.connect(&other.url(), Some(&ana)), clients.connect(&other.url(), Some(&ana))];
    for socket in &sockets {
        socket.connected().await;
    }
    let job = other.rest(&ana).post("/jobs", &json!({ "kind": "test" })).await.ok(201);
    let joined = sockets[0].ask("join_job", &json!({ "job_id": job["job_id"] })).await;
    assert_eq!(joined["ok"], true, "{joined}");
    sockets[1].ask("join_room", &json!({ "room": "open" })).await;

    let in_job = format!("job:{}", job["job_id"].as_str().unwrap());
    let in_job = in_job.as_str();
    for (edge, scope, topic, are_in) in [
        (&other, "edge", in_job, 1),
        (&other, "edge", "room:open", 1),
        (&other, "edge", "job:none", 0),
        (&other, "cluster", in_job, 1),
        (&other, "cluster", "room:open", 1),
        (&system.edge, "edge", in_job, 0),
        (&system.edge, "cluster", in_job, 1),
    ] {
        let path = format!("/connections?scope={scope}&topic={topic}");
        let root = edge.rest(&admin("root"));
        eventually(&path, async || {
            let listed = root.get(&path).await.ok(200);
            (listed["connections"].as_array()?.len() == are_in).then_some(())
        })
        .await;
    }
}
