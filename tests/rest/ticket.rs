//! Tickets: one use, at any edge, never in a log.

use serde_json::json;

use crate::support::{Edge, Rest, Sse, System, user};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_opens_one_stream_at_any_edge_and_is_in_no_log() {
    let mut system = System::start().await;
    let mut other = Edge::start(&system.core).await;
    let ana = system.edge.rest(&user("ana"));
    let answer = ana.post("/tickets", &json!({})).await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    let ticket = answer.ok(201)["ticket"].as_str().unwrap().to_owned();
    let path = format!("/topics/user:ana/events?ticket={ticket}");
    let nobody = Rest::new(&other.url(), None);

    // Not for a page, which can send a header; and looking at it does not spend it.
    assert_eq!(nobody.get(&path).await.problem(), "unauthenticated");
    let mut stream = Sse::open(&nobody, &path, None).await;
    assert_eq!(stream.next().await.unwrap().event, "snapshot");
    let again = Sse::request(&nobody, &path, None).await;
    assert_eq!(again.status(), 401);
    assert_eq!(again.json::<serde_json::Value>().await.unwrap()["code"], "ticket_invalid");
    let forged = Sse::request(&nobody, "/topics/user:ana/events?ticket=x", None).await;
    assert_eq!(forged.status(), 401);
    for process in [other.process(), system.core.process()] {
        let log = process.stderr_lines().join("\n");
        assert!(!log.contains(&ticket), "a ticket is in a log");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_is_worth_what_its_token_is() {
    let system = System::start().await;
    let (ana, eve) = (system.edge.rest(&user("ana")), system.edge.rest(&user("eve")));
    let job = ana.post("/jobs", &json!({ "kind": "private" })).await.ok(201);
    let ticket = eve.post("/tickets", &json!({})).await.ok(201)["ticket"].clone();
    let path = format!(
        "/jobs/{}/events?ticket={}",
        job["job_id"].as_str().unwrap(),
        ticket.as_str().unwrap()
    );
    let nobody = Rest::new(&system.edge.url(), None);
    assert_eq!(Sse::request(&nobody, &path, None).await.status(), 404);
    assert_eq!(nobody.post("/tickets", &json!({})).await.problem(), "unauthenticated");

    let ticket = ana.post("/tickets", &json!({})).await.ok(201)["ticket"].clone();
    ana.get("/jobs").await.ok(200);
    let root = system.edge.rest(&crate::support::admin("root"));
    root.post("/revocations", &json!({ "subject": "ana" })).await.ok(201);
    let path = format!("/topics/user:ana/events?ticket={}", ticket.as_str().unwrap());
    assert_eq!(Sse::request(&nobody, &path, None).await.status(), 401);
}
