//! A standby that takes over without the last commits: whoever saw them is told, and goes on.

use reqwest::Method;
use roomcast_proto::v1::{NewEvent, Payload, PublishBatchRequest};
use serde_json::{Value, json};

use crate::support::{
    Answer, Clients, Core, Edge, Postgres, Redis, Socket, admin, eventually, user,
};

const ROOM: &str = "/topics/room:open/events";

async fn publish(edge: &Edge, n: u64) -> Option<u64> {
    let rest = edge.rest(&admin("root"));
    let body = json!({ "type": "said", "data": { "n": n } });
    let request = rest.request(Method::POST, ROOM).json(&body);
    let answer = Answer::of(request.header("idempotency-key", format!("said-{n}"))).await;
    (answer.status < 300).then(|| answer.json()["offset"].as_u64().expect("an offset"))
}

fn said(socket: &Socket) -> Vec<u64> {
    let events = socket.events().into_iter().filter(|(name, _)| name == "said");
    events.map(|(_, payload): (String, Value)| payload["n"].as_u64().expect("a number")).collect()
}

/// A socket that has seen six events, of which the standby has the first three.
async fn saw_what_is_lost(edge: &Edge, primary: &Postgres, standby: &Postgres) -> Socket {
    let socket = Clients::node().await.connect(&edge.url(), Some(&user("ana")));
    socket.connected().await;
    let joined = socket.ask("join_room", &json!({ "room": "open" })).await;
    assert_eq!(joined["ok"], true, "{joined}");
    for n in 1..=3 {
        assert_eq!(publish(edge, n).await, Some(n));
    }
    standby.follow_and_cut_off(primary);
    for n in 4..=6 {
        assert_eq!(publish(edge, n).await, Some(n));
    }
    socket.event_where("said", |payload| payload["n"] == 6).await;
    socket
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_that_saw_what_a_promoted_standby_has_lost_are_reset_and_go_on() {
    let mut primary = Postgres::start();
    let standby = primary.standby();
    let core = Core::start_with(&["--store", &primary.url_with(&standby)]).await;
    let edge = Edge::start(&core).await;
    let socket = saw_what_is_lost(&edge, &primary, &standby).await;

    primary.kill();
    standby.promote();
    let offset = eventually("a publish is taken again", async || publish(&edge, 7).await).await;
    assert_eq!(offset, 4, "the log goes on where the standby's ends");
    let reset = socket.event_where("reset", |reset| reset["topic"] == "room:open").await;
    assert!(["forked", "ahead"].contains(&reset["reason"].as_str().expect("why")), "{reset}");
    assert_eq!(publish(&edge, 8).await, Some(5));
    socket.event_where("said", |payload| payload["n"] == 8).await;
    // 7 came as an event, or is in the snapshot that the reset brought.
    let heard = said(&socket);
    assert!(heard == [1, 2, 3, 4, 5, 6, 8] || heard == [1, 2, 3, 4, 5, 6, 7, 8], "{heard:?}");
    let page = edge.rest(&admin("root")).get(ROOM).await.ok(200);
    let kept = page["events"].as_array().expect("events").iter().map(|one| &one["data"]["n"]);
    assert_eq!(kept.collect::<Vec<_>>(), [1, 2, 3, 7, 8]);
}

/// Publishes in one commit, once it is taken. Answers the last offset.
async fn publish_at_once(core: &Core, numbers: std::ops::RangeInclusive<u64>) -> u64 {
    let event = |n: u64| {
        let data = json!({ "n": n }).to_string().into();
        let payload = Some(Payload { data, ..Payload::default() });
        NewEvent { r#type: "said".to_owned(), payload }
    };
    let request = PublishBatchRequest {
        topic: "room:open".to_owned(),
        events: numbers.map(event).collect(),
        idempotency_key: "at-once".to_owned(),
        ..PublishBatchRequest::default()
    };
    let published = eventually("a batch is taken", async || {
        core.broadcast().publish_batch(request.clone()).await.ok()
    });
    published.await.into_inner().published.last().expect("events").offset
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_are_reset_though_another_core_writes_more_than_was_lost_at_once() {
    let (mut primary, redis) = (Postgres::start(), Redis::start());
    let standby = primary.standby();
    let settings = ["--store", &primary.url_with(&standby), "--bus", &redis.url()];
    let (follows, writes) = (Core::start_with(&settings).await, Core::start_with(&settings).await);
    let edge = Edge::start(&follows).await;
    let socket = saw_what_is_lost(&edge, &primary, &standby).await;

    primary.kill();
    standby.promote();
    assert_eq!(publish_at_once(&writes, 7..=10).await, 7, "one more than was lost");
    socket.event_where("reset", |reset| reset["topic"] == "room:open").await;
    assert!(eventually("a publish is taken", async || publish(&edge, 11).await).await >= 8);
    socket.event_where("said", |payload| payload["n"] == 11).await;
    // What the reset's snapshot brought does not come again; nothing came before the reset.
    let events = socket.events();
    let reset = events.iter().position(|(name, _)| name == "reset").expect("a reset");
    let is_new =
        |(name, payload): &(String, Value)| name == "said" && payload["n"].as_u64() > Some(6);
    assert!(!events[..reset].iter().any(is_new), "{events:?}");
    let after: Vec<_> = said(&socket).into_iter().skip_while(|n| *n <= 6).collect();
    assert!((7..=11).collect::<Vec<_>>().ends_with(&after), "{after:?}");
}
