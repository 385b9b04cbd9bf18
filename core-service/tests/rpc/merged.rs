//! A merged room, as publishers and readers meet it.

use futures::future::join_all;
use roomcast_core::config::rooms;
use roomcast_core::domain::room::Rooms;
use roomcast_identity::Scope;
use roomcast_proto::registry::Code;
use roomcast_proto::v1;

use crate::core::{Core, refused, request, serve, service};

const TOPIC: &str = "room:load";

fn merged() -> Rooms {
    rooms::parse("load = { merge = 'last_value' }").expect("rooms")
}

fn event(value: usize) -> v1::NewEvent {
    let data = format!("{{\"value\":{value}}}").into();
    let payload = Some(v1::Payload { data, ..v1::Payload::default() });
    v1::NewEvent { r#type: "cpu".into(), payload }
}

fn wanted(value: usize) -> v1::PublishRequest {
    v1::PublishRequest { topic: TOPIC.into(), event: Some(event(value)), ..Default::default() }
}

async fn publish(core: &Core, value: usize) -> v1::Published {
    let token = service(&[Scope::Admin]);
    let answer = core.broadcast().publish(request(wanted(value), Some(&token), None)).await;
    answer.expect("published").into_inner().published.expect("an event")
}

#[tokio::test]
async fn a_burst_becomes_few_events_and_every_publisher_is_answered_with_one_of_them() {
    let core = serve(|config, _| config.rooms = merged()).await;
    let begun = std::time::Instant::now();
    assert_eq!(publish(&core, 0).await.offset, 1);
    let burst = join_all((1..200).map(|value| publish(&core, value))).await;
    let last = publish(&core, 200).await;
    let tenths = begun.elapsed().as_millis() / 100;

    let token = service(&[Scope::Admin]);
    let list = v1::ListEventsRequest { topic: TOPIC.into(), ..v1::ListEventsRequest::default() };
    let page = core.broadcast().list_events(request(list, Some(&token), None)).await;
    let log = page.expect("a page").into_inner().events;
    assert!((3..=tenths as usize + 2).contains(&log.len()), "{} in {tenths} tenths", log.len());
    for (position, logged) in log.iter().enumerate() {
        assert_eq!(logged.offset, position as u64 + 1);
    }
    for answer in burst.iter().chain([&last]) {
        let logged = &log[usize::try_from(answer.offset).expect("small") - 1];
        assert_eq!((&logged.event_id, &logged.cursor), (&answer.event_id, &answer.cursor));
    }
    assert_eq!(last.offset, log.len() as u64, "who comes last is last");
}

#[tokio::test]
async fn what_cannot_be_kept_in_a_merged_room_is_refused() {
    let core = serve(|config, _| config.rooms = merged()).await;
    let token = service(&[Scope::Admin]);
    let conditional = v1::PublishRequest { expected_offset: Some(0), ..wanted(1) };
    let answer = core.broadcast().publish(request(conditional, Some(&token), None)).await;
    assert_eq!(refused(answer), Code::InvalidArgument);
    let batch = v1::PublishBatchRequest {
        topic: TOPIC.into(),
        events: vec![event(1), event(2)],
        ..v1::PublishBatchRequest::default()
    };
    let answer = core.broadcast().publish_batch(request(batch, Some(&token), None)).await;
    assert_eq!(refused(answer), Code::InvalidArgument);
    let keyed = v1::PublishRequest { idempotency_key: "k".into(), ..wanted(1) };
    for offset in 1..=2 {
        let answer = core.broadcast().publish(request(keyed.clone(), Some(&token), None)).await;
        let published = answer.expect("published").into_inner().published.expect("an event");
        assert_eq!(published.offset, offset, "a repetition is a new value");
    }
}
