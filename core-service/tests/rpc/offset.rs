//! Whoever begins to read is told the offset it begins after, so that it can see that nothing is missing.

use roomcast_identity::Scope;
use roomcast_proto::v1;
use roomcast_proto::v1::subscribe_request::Request as Asked;
use roomcast_proto::v1::subscribe_response::Response as Told;
use roomcast_proto::v1::subscription_notice::Notice;

use crate::core::{Core, request, serve, service};

const TOPIC: &str = "room:lobby";

async fn publish(core: &Core, content: &str) -> v1::Published {
    let payload = v1::Payload { data: content.to_owned().into(), ..v1::Payload::default() };
    let event = v1::NewEvent { r#type: "said".into(), payload: Some(payload) };
    let wanted =
        v1::PublishRequest { topic: TOPIC.into(), event: Some(event), ..Default::default() };
    let token = service(&[Scope::Admin]);
    let answer = core.broadcast().publish(request(wanted, Some(&token), None)).await;
    answer.expect("published").into_inner().published.expect("an event")
}

async fn join(core: &Core, since: &str) -> v1::JoinResponse {
    let wanted = v1::JoinRequest { topic: TOPIC.into(), since: since.into(), ..Default::default() };
    let token = service(&[Scope::Admin]);
    let answer = core.broadcast().join(request(wanted, Some(&token), None)).await;
    answer.expect("joined").into_inner()
}

/// What a stream says first of a subscription from `since` on: the notice, and the first event.
async fn begin(core: &Core, since: &str) -> (Notice, u64) {
    let subscription = v1::TopicSubscription {
        subscription_id: 1,
        topic: TOPIC.into(),
        since: since.into(),
        ..v1::TopicSubscription::default()
    };
    let asked = [
        Asked::Open(v1::Open { edge_id: "e".into(), ..v1::Open::default() }),
        Asked::Add(v1::AddTopics { subscriptions: vec![subscription] }),
    ];
    let asked = asked.map(|request| v1::SubscribeRequest { request: Some(request) });
    // The stream stays open while its answers are read.
    let asked = futures::StreamExt::chain(futures::stream::iter(asked), futures::stream::pending());
    let token = service(&[Scope::Edge]);
    let stream = core.broadcast().subscribe(request(asked, Some(&token), None)).await;
    let mut stream = stream.expect("a stream").into_inner();
    let mut notice = None;
    loop {
        match stream.message().await.expect("a message").expect("not the end").response {
            Some(Told::Notice(told)) => notice = notice.or(told.notice),
            Some(Told::Events(events)) => {
                return (notice.expect("a notice before"), events.events[0].offset);
            }
            Some(Told::Opened(_) | Told::Heartbeat(_) | Told::Draining(_)) | None => {}
        }
    }
}

#[tokio::test]
async fn the_first_event_follows_the_offset_that_was_told() {
    let core = serve(|_, _| {}).await;
    let first = publish(&core, "{}").await;
    for _ in 0..2 {
        publish(&core, "{}").await;
    }
    assert_eq!(join(&core, "").await.offset, 3, "where the snapshot stands");
    let resumed = join(&core, &first.cursor).await;
    assert_eq!((resumed.resumed, resumed.offset), (true, 1));
    let (notice, next) = begin(&core, &first.cursor).await;
    let Notice::Added(added) = notice else { panic!("{notice:?}") };
    assert_eq!((added.offset, next), (1, 2));
    let elsewhere = serve(|_, _| {}).await;
    let foreign = publish(&elsewhere, "{}").await;
    let reset = join(&core, &foreign.cursor).await;
    assert_eq!((reset.offset, reset.reset.expect("a reset").offset), (3, 3));
}

#[tokio::test]
async fn what_is_published_as_json_is_one_object_with_free_names() {
    let core = serve(|_, _| {}).await;
    let token = service(&[Scope::Admin]);
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(64), "]".repeat(64));
    for (content_type, content, problem) in [
        ("", &b"[1]"[..], "must be one JSON object"),
        ("", b"7", "must be one JSON object"),
        ("", b"{\"a\":", "is not JSON"),
        ("", b"{} {}", "is not JSON"),
        ("", b"{\"a\":\"\x9f\"}", "is not UTF-8"),
        ("", b"{\"a\":1,\"cursor\":2}", "must not have the field cursor"),
        ("Application/JSON; charset=utf-8", b"{\"cursor\":2}", "must not have the field cursor"),
        ("", deep.as_bytes(), "nested deeper"),
    ] {
        let payload =
            v1::Payload { content_type: content_type.into(), data: content.to_vec().into() };
        let event = v1::NewEvent { r#type: "said".into(), payload: Some(payload) };
        let wanted =
            v1::PublishRequest { topic: TOPIC.into(), event: Some(event), ..Default::default() };
        let answer = core.broadcast().publish(request(wanted, Some(&token), None)).await;
        let refused = answer.expect_err(problem);
        assert!(refused.message().contains(problem), "{problem}: {}", refused.message());
    }
    assert_eq!(publish(&core, "{\"a\":{\"cursor\":\"}{\"}}").await.offset, 1);
}
