//! Server-sent events: a snapshot, then every event, and `Last-Event-ID` resumes.

use serde_json::{Value, json};

use crate::support::worker::{completed, output};
use crate::support::{Core, Edge, Sse, System, Worker, admin, eventually, user};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_begins_with_a_snapshot_and_resumes_after_the_last_event_id() {
    let system = System::start().await;
    let ana = system.edge.rest(&user("ana"));
    let job = ana.post("/jobs", &json!({ "kind": "streamed" })).await.ok(201);
    let path = format!("/jobs/{}/events", job["job_id"].as_str().unwrap());
    let worker = Worker::new("w", system.core.jobs());
    let held = worker.lease("streamed").await;

    let mut stream = Sse::open(&ana, &path, None).await;
    let first = stream.next().await.unwrap();
    assert_eq!(
        (first.event.as_str(), &first.data["snapshot"]["job"]["kind"]),
        ("snapshot", &json!("streamed"))
    );
    worker.report(output(&held, 1, 0, "one\n")).await.unwrap();
    let wrote = stream.until(|frame| frame.data["data"] == "one\n").await.pop().unwrap();
    assert_eq!((wrote.event.as_str(), &wrote.data["cursor"]), ("job_output", &json!(wrote.id)));
    drop(stream);

    worker.report(output(&held, 2, 4, "two\n")).await.unwrap();
    worker.report(completed(&held, 3)).await.unwrap();
    let mut stream = Sse::open(&ana, &path, Some(&wrote.id)).await;
    let rest = stream.until(|frame| frame.event == "closed").await;
    assert_eq!((rest[0].event.as_str(), &rest[0].data["data"]), ("job_output", &json!("two\n")));
    let end = &rest[rest.len() - 2];
    assert_eq!((&end.data["status"], &end.data["progress"]), (&json!("completed"), &json!(100)));
    assert_eq!(stream.next().await, None, "nothing comes after the end");
    let over = Sse::request(&ana, &path, Some(&end.id)).await;
    assert_eq!(over.status(), 204, "a browser must not come back for ever");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_goes_on_through_a_kill_of_the_core_without_hole_or_repetition() {
    let mut system = System::start().await;
    let root = system.edge.rest(&admin("root"));
    let ana = system.edge.rest(&user("ana"));
    let mut stream = Sse::open(&ana, "/topics/room:open/events", None).await;
    assert_eq!(stream.next().await.unwrap().event, "snapshot");
    let publish = async |n: u64| {
        let body = json!({ "type": "n", "data": { "n": n }, "idempotency_key": n.to_string() });
        crate::support::eventually("published", async || {
            (root.post("/topics/room:open/events", &body).await.status == 201).then_some(())
        })
        .await;
    };
    for n in 1..=5 {
        publish(n).await;
    }
    system.core.kill();
    system.core.restart().await;
    for n in 6..=10 {
        publish(n).await;
    }
    let frames = stream.until(|frame| frame.data["n"] == 10).await;
    let numbers: Vec<&Value> = frames.iter().map(|frame| &frame.data["n"]).collect();
    assert_eq!(json!(numbers), json!([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_refused_like_any_request() {
    let system = System::start().await;
    let eve = system.edge.rest(&user("eve"));
    for (path, status) in [("/jobs/nothing/events", 404), ("/topics/room:secret/events", 404)] {
        assert_eq!(Sse::request(&eve, path, None).await.status(), status, "{path}");
    }
    let bad = Sse::request(&eve, "/topics/room:open/events", Some("no cursor")).await;
    assert_eq!(bad.status(), 400);
    let nobody = crate::support::Rest::new(&system.edge.url(), None);
    let answer = Sse::request(&nobody, "/topics/room:open/events", None).await;
    assert_eq!(answer.status(), 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_follows_so_many_streams_and_another_when_one_is_let_go() {
    let core = Core::start().await;
    let edge = Edge::start_with(&core, &["--sockets-per-user-max", "1"]).await;
    let (ana, ben) = (edge.rest(&user("ana")), edge.rest(&user("ben")));
    let path = "/topics/room:open/events";
    let first = Sse::open(&ana, path, None).await;
    let refused = Sse::request(&ana, path, None).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.json::<Value>().await.unwrap()["code"], "too_many_connections");
    assert_eq!(Sse::request(&ben, path, None).await.status(), 200, "another user");
    drop(first);
    eventually("there is a place again", async || {
        (Sse::request(&ana, path, None).await.status() == 200).then_some(())
    })
    .await;
}
