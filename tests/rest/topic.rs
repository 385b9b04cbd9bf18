//! `/topics`.

use serde_json::{Value, json};

use crate::support::{Answer, System, admin, user};

const EVENTS: &str = "/topics/room:open/events";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_published_singly_and_in_batches_and_read_back_in_order() {
    let system = System::start().await;
    let root = system.edge.rest(&admin("root"));
    let one = root.post(EVENTS, &json!({ "type": "a", "data": { "n": 1 } })).await.ok(201);
    assert_eq!(one["offset"], 1);
    let batch: Vec<Value> = (2..=4).map(|n| json!({ "type": "b", "data": { "n": n } })).collect();
    let path = "/topics/room:open/events:batch";
    let many = root.post(path, &json!({ "events": batch })).await.ok(201);
    assert_eq!(many["events"].as_array().unwrap().len(), 3);

    let page = root.get(EVENTS).await.ok(200);
    let events = page["events"].as_array().unwrap();
    let numbers: Vec<_> = events.iter().map(|event| event["data"]["n"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert_eq!((&events[0]["cursor"], &events[0]["event_id"]), (&one["cursor"], &one["event_id"]));
    assert_eq!(page["cursor"], page["head"]);
    let since = one["cursor"].as_str().unwrap();
    let rest = root.get(&format!("{EVENTS}?since={since}&limit=2")).await.ok(200);
    assert_eq!(rest["events"].as_array().unwrap().len(), 2);
    assert_ne!(rest["cursor"], rest["head"]);
    let filtered = root.get(&format!("{EVENTS}?types=a")).await.ok(200);
    assert_eq!(filtered["events"].as_array().unwrap().len(), 1);
    assert_eq!(filtered["cursor"], page["head"], "the cursor goes on over what was left out");
    let newest = root.get(&format!("{EVENTS}?last=2")).await.ok(200);
    assert_eq!(newest["events"].as_array().unwrap()[..], events[2..]);
    assert_eq!(newest["cursor"], page["head"]);
    for wrong in ["last=0", "last=1001", &format!("last=1&since={since}")] {
        let refused = root.get(&format!("{EVENTS}?{wrong}")).await;
        assert_eq!(refused.problem(), "invalid_argument", "{wrong}");
        assert_eq!(refused.json()["errors"][0]["field"], "last", "{wrong}");
    }
    let topic = root.get("/topics/room:open").await.ok(200);
    assert_eq!((&topic["head_offset"], &topic["first_offset"]), (&json!(4), &json!(1)));
    assert!(topic["retention"]["age_seconds"].is_number());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_is_all_or_nothing_and_an_expected_offset_decides_races() {
    let system = System::start().await;
    let root = system.edge.rest(&admin("root"));
    let path = "/topics/room:open/events:batch";
    let good = json!({ "type": "a", "data": {} });
    let bad = json!({ "type": "a", "data": { "cursor": 1 } });
    let refused = root.post(path, &json!({ "events": [good, bad] })).await;
    assert_eq!(refused.problem(), "invalid_argument");
    assert_eq!(root.get(EVENTS).await.ok(200)["events"], json!([]));

    let claim = json!({ "type": "claimed", "data": {}, "expected_offset": 0 });
    let race = (0..8).map(|_| root.post(EVENTS, &claim));
    let answers: Vec<Answer> = futures::future::join_all(race).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!(won.len(), 1);
    assert!(lost.iter().all(|answer| answer.problem() == "offset_conflict"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_key_gives_the_same_event() {
    let system = System::start().await;
    let root = system.edge.rest(&admin("root"));
    let body = json!({ "type": "a", "data": { "n": 1 }, "idempotency_key": "k" });
    let first = root.post(EVENTS, &body).await.ok(201);
    assert_eq!(root.post(EVENTS, &body).await.ok(201), first);
    let other = json!({ "type": "a", "data": { "n": 2 }, "idempotency_key": "k" });
    assert_eq!(root.post(EVENTS, &other).await.problem(), "idempotency_mismatch");
    assert_eq!(root.get(EVENTS).await.ok(200)["events"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_read_open_rooms_and_their_own_topic_and_publish_nowhere() {
    let system = System::start().await;
    let ana = system.edge.rest(&user("ana"));
    ana.get(EVENTS).await.ok(200);
    ana.get("/topics/user:ana/events").await.ok(200);
    for (hidden, code) in [
        ("room:secret", "topic_not_found"),
        ("user:bob", "topic_not_found"),
        ("project:p", "topic_not_found"),
        ("session:s", "session_not_found"),
    ] {
        let answer = ana.get(&format!("/topics/{hidden}/events")).await;
        assert_eq!((answer.status, answer.problem()), (404, code), "{hidden}");
    }
    let event = json!({ "type": "a", "data": {} });
    assert_eq!(ana.post(EVENTS, &event).await.problem(), "permission_denied");
    for reserved in ["job:x", "session:s", "project:p"] {
        let answer = ana.post(&format!("/topics/{reserved}/events"), &event).await;
        assert_eq!(answer.problem(), "topic_reserved", "{reserved}");
    }
}
