//! Who gets in: the same codes on Socket.IO, REST and gRPC.

use roomcast_proto::v1::ListJobsRequest;
use serde_json::json;

use crate::support::{
    Caller, Clients, Rest, System, Token, admin, code, eventually, expired_user, forged_user, user,
};

/// Every way of not being let in.
fn refused_tokens() -> Vec<(&'static str, Option<Token>)> {
    vec![
        ("unauthenticated", None),
        ("token_invalid", Some("not a token".to_owned())),
        ("token_invalid", Some(forged_user("ana"))),
        ("token_expired", Some(expired_user("ana"))),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_bad_or_expired_token_is_refused_by_its_code_over_socketio() {
    let system = System::start().await;
    for clients in [Clients::node().await, Clients::python().await] {
        for (expected, token) in refused_tokens() {
            let told = clients.connect(&system.edge.url(), token.as_ref()).refused().await;
            assert!(told.contains(expected), "{told} instead of {expected}");
        }
        let socket = clients.connect(&system.edge.url(), Some(&user("ana")));
        assert_eq!(socket.event("connected").await["user_id"], "ana");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_bad_or_expired_token_is_refused_by_its_code_over_rest_and_grpc() {
    let system = System::start().await;
    for (expected, token) in refused_tokens() {
        let answer = Rest::new(&system.edge.url(), token.as_ref()).get("/jobs").await;
        assert_eq!((answer.status, answer.problem()), (401, expected));
        assert!(answer.headers.contains_key("www-authenticate"));
    }
    for (expected, token) in refused_tokens() {
        let Some(token) = token else { continue };
        let mut jobs = Caller::user(&token).jobs(system.core.channel());
        let refused = jobs.list_jobs(ListJobsRequest::default()).await.unwrap_err();
        assert_eq!(code(&refused), expected);
    }
    let mut jobs = Caller::nobody().jobs(system.core.channel());
    let refused = jobs.list_jobs(ListJobsRequest::default()).await.unwrap_err();
    assert_eq!(code(&refused), "service_credential_required");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_users_job_looks_like_no_job_on_every_surface() {
    let system = System::start().await;
    let ana = system.edge.rest(&user("ana"));
    let job = ana.post("/jobs", &json!({ "kind": "private" })).await.ok(201);
    let job_id = job["job_id"].as_str().unwrap();
    let eve = system.edge.rest(&user("eve"));
    let reads = ["", "/events", "/output"].map(|path| format!("/jobs/{job_id}{path}"));
    for path in &reads {
        let hidden = eve.get(path).await;
        assert_eq!((hidden.status, hidden.problem()), (404, "job_not_found"), "{path}");
        let missing = eve.get(&path.replace(job_id, "nothing")).await;
        assert_eq!((missing.status, missing.problem()), (404, "job_not_found"), "{path}");
    }
    for path in ["cancel", "retry"] {
        let answer = eve.post(&format!("/jobs/{job_id}/{path}"), &json!({})).await;
        assert_eq!(answer.problem(), "job_not_found", "{path}");
    }
    assert_eq!(eve.get("/jobs").await.ok(200)["jobs"], json!([]));

    let socket = Clients::node().await.connect(&system.edge.url(), Some(&user("eve")));
    socket.connected().await;
    let answer = socket.ask("join_job", &json!({ "job_id": job_id })).await;
    assert_eq!((&answer["ok"], &answer["error"]["code"]), (&json!(false), &json!("job_not_found")));
    socket.emit("join_job", &json!({ "job_id": job_id }));
    let error = socket.event("error").await;
    assert_eq!(error["message"], format!("Job {job_id} not found or access denied"));
    system.edge.rest(&admin("root")).get(&reads[0]).await.ok(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stats_are_the_seeds_and_only_for_admins() {
    let system = System::start().await;
    let ana = system.edge.rest(&user("ana"));
    let job = ana.post("/jobs", &json!({ "kind": "watched" })).await.ok(201);
    let socket = Clients::node().await.connect(&system.edge.url(), Some(&user("ana")));
    socket.connected().await;
    socket.ask("join_job", &json!({ "job_id": job["job_id"] })).await;
    assert_eq!(ana.get("/websocket/stats").await.problem(), "permission_denied");
    let root = system.edge.rest(&admin("root"));
    let stats = root.get("/websocket/stats").await.ok(200);
    assert_eq!((&stats["total_connections"], &stats["active_job_rooms"]), (&json!(1), &json!(1)));
    let connection = &stats["connections"][0];
    assert_eq!((&connection["user_id"], &connection["watching_jobs"]), (&json!("ana"), &json!(1)));
    assert_eq!(connection["sid"].as_str().unwrap().len(), 8);
    assert!(connection["connected_at"].is_string());
    socket.disconnect();
    eventually("nobody is left", async || {
        let stats = root.get("/websocket/stats").await.ok(200);
        (stats["total_connections"] == 0).then_some(())
    })
    .await;
}
