//! Every cursor has one answer: resumed, reset with its reason, or not a cursor at all.

use roomcast_proto::v1::{
    JoinRequest, JoinResponse, NewEvent, Payload, PublishBatchRequest, ResetReason,
    WatchTopicRequest, watch_topic_response::Frame,
};
use serde_json::json;

use crate::support::recorder::publish_request;
use crate::support::{Clients, Core, Edge, Rest, admin, code, eventually, finish, roomcast, user};

const TOPIC: &str = "room:open";
/// More than a room keeps.
const MORE_THAN_KEPT: usize = 101_000;
const BATCH: usize = 1000;

async fn join(core: &Core, since: &str) -> JoinResponse {
    try_join(core, since).await.unwrap()
}

async fn try_join(core: &Core, since: &str) -> Result<JoinResponse, tonic::Status> {
    let (topic, since) = (TOPIC.to_owned(), since.to_owned());
    let request = JoinRequest { topic, since, tenant: String::new() };
    Ok(core.broadcast().join(request).await?.into_inner())
}

/// Publishes one event. Answers its cursor.
async fn publish(core: &Core, number: u32) -> String {
    let request = publish_request(TOPIC, &format!(r#"{{"n":{number}}}"#), "");
    core.broadcast().publish(request).await.unwrap().into_inner().published.unwrap().cursor
}

fn reason(joined: &JoinResponse) -> Option<ResetReason> {
    joined.reset.as_ref().map(|reset| reset.reason())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_of_the_retained_history_resumes_also_after_restarts() {
    let mut core = Core::start().await;
    let empty = join(&core, "").await;
    assert!(!empty.resumed && empty.reset.is_none() && empty.snapshot.is_some());
    let mut cursors = vec![empty.cursor];
    for number in 0..3 {
        cursors.push(publish(&core, number).await);
        core.kill();
        core.restart().await;
    }
    let head = cursors.last().unwrap();
    for cursor in &cursors {
        let joined = join(&core, cursor).await;
        assert!(joined.resumed && joined.snapshot.is_none(), "{joined:?}");
        assert_eq!((&joined.cursor, &joined.head), (cursor, head));
    }
    for wrong in ["x", "not a cursor", "AAAAAAAAAAAAAAAAAAAAAA"] {
        let refused = try_join(&core, wrong).await;
        let is_told = refused.as_ref().is_err_and(|status| code(status) == "invalid_argument")
            || refused.as_ref().is_ok_and(|joined| reason(joined) == Some(ResetReason::Forked));
        assert!(is_told, "{wrong}: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_of_a_trimmed_event_is_reset_as_trimmed_with_a_snapshot() {
    let core = Core::start().await;
    let first = publish(&core, 0).await;
    for _ in 0..MORE_THAN_KEPT / BATCH {
        let payload = Payload { content_type: String::new(), data: "{}".into() };
        let event = NewEvent { r#type: "filler".to_owned(), payload: Some(payload) };
        let request = PublishBatchRequest {
            topic: TOPIC.to_owned(),
            events: vec![event; BATCH],
            ..PublishBatchRequest::default()
        };
        core.broadcast().publish_batch(request).await.unwrap();
    }
    let joined = eventually("the first event is past its retention", async || {
        let joined = join(&core, &first).await;
        (!joined.resumed).then_some(joined)
    })
    .await;
    assert_eq!(reason(&joined), Some(ResetReason::Trimmed));
    assert!(joined.snapshot.is_some());
    assert_eq!(joined.cursor, joined.head);
    let still = join(&core, &joined.head).await;
    assert!(still.resumed);
    let request =
        WatchTopicRequest { topic: TOPIC.to_owned(), since: first, ..WatchTopicRequest::default() };
    let mut frames = core.broadcast().watch_topic(request).await.unwrap().into_inner();
    let first = frames.message().await.unwrap().unwrap().frame;
    assert!(
        matches!(first, Some(Frame::Reset(ref reset)) if reset.reason() == ResetReason::Trimmed)
    );
    let second = frames.message().await.unwrap().unwrap().frame;
    assert!(matches!(second, Some(Frame::Snapshot(_))), "{second:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_backup_is_seen_as_ahead_and_then_as_forked_on_every_surface() {
    let core = Core::start().await;
    let before = publish(&core, 1).await;
    let copy = tempfile::tempdir().unwrap();
    let file = copy.path().join("backup");
    let (data, file) = (core.data_dir().to_str().unwrap(), file.to_str().unwrap());
    finish(&mut roomcast(&["backup", "--data-dir", data, file])).await.ok();
    publish(&core, 2).await;
    let lost = publish(&core, 3).await;
    drop(core.into_folder());

    let restored = tempfile::tempdir().unwrap();
    let data = restored.path().join("data");
    finish(&mut roomcast(&["restore", "--data-dir", data.to_str().unwrap(), file])).await.ok();
    let core = Core::start_at(restored, &data).await;
    let joined = join(&core, &lost).await;
    assert_eq!(reason(&joined), Some(ResetReason::Ahead));
    assert!(!joined.resumed && joined.snapshot.is_some());
    for number in 4..8 {
        publish(&core, number).await;
    }
    assert_eq!(reason(&join(&core, &lost).await), Some(ResetReason::Forked));
    assert!(join(&core, &before).await.resumed, "what both histories share is whole");

    let edge = Edge::start(&core).await;
    let page = edge.rest(&admin("root")).get(&format!("/topics/{TOPIC}/events?since={lost}")).await;
    assert_eq!(page.ok(200)["reset"]["reason"], "forked");
    let options = json!({ "cursors": { TOPIC: lost } });
    let node = Clients::node().await;
    let socket = node.connect_with(&edge.url(), Some(&user("ana")), options);
    let reset = socket.event("reset").await;
    assert_eq!((&reset["reason"], &reset["topic"]), (&json!("forked"), &json!(TOPIC)));
    assert!(reset["cursor"].is_string() && reset["snapshot"].is_object(), "{reset}");
    let live = Rest::new(&edge.url(), Some(&admin("root")));
    live.post(&format!("/topics/{TOPIC}/events"), &json!({ "type": "after", "data": {} }))
        .await
        .ok(201);
    socket.event("after").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_of_another_topic_is_refused_and_an_unknown_topic_is_not_found() {
    let core = Core::start().await;
    let other = publish_request("room:news", "{}", "");
    let foreign = core.broadcast().publish(other).await.unwrap().into_inner().published.unwrap();
    match try_join(&core, &foreign.cursor).await {
        Ok(joined) => assert_eq!(reason(&joined), Some(ResetReason::Forked)),
        Err(status) => assert_eq!(code(&status), "invalid_argument"),
    }
    let request = JoinRequest { topic: "job:nothing".to_owned(), ..JoinRequest::default() };
    let missing = core.broadcast().join(request).await.unwrap_err();
    assert_eq!(code(&missing), "job_not_found");
}
