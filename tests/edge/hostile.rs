//! Nonsense and excess: a clear error, no crash, bounded memory, and nobody else notices.

use roomcast_proto::v1::{CreateJobRequest, NewEvent, Payload, PublishRequest};
use serde_json::{Value, json};

use crate::support::{Clients, Rest, Socket, System, admin, user};

/// Ten times what any surface takes.
const TOO_LARGE: usize = 10 << 20;
/// What a process may grow by while it is thrown at: one message of each transport in flight and the
/// allocator's own reserve, far below the sum of what was sent.
const GROWTH_MAX: u64 = 96 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_make_no_sense_get_an_error_each_with_and_without_an_ack() {
    let system = System::start().await;
    let clients = Clients::node().await;
    let socket = clients.connect(&system.edge.url(), Some(&user("ana")));
    socket.connected().await;
    let cases = [
        ("no_such_event", json!({})),
        ("join_job", json!("a string")),
        ("join_job", json!(null)),
        ("join_job", json!([1, 2])),
        ("join_job", json!({})),
        ("join_job", json!({ "job_id": null })),
        ("join_job", json!({ "job_id": "no spaces allowed" })),
        ("join_job", json!({ "job_id": "x".repeat(129) })),
        ("join_job", json!({ "job_id": { "deep": [] } })),
        ("leave_job", json!(7)),
    ];
    for (event, argument) in &cases {
        let answer = socket.ask(event, argument).await;
        assert_eq!(answer["ok"], false, "{event} {argument}");
        assert_eq!(answer["error"]["code"], "malformed_message", "{event} {argument}");
        assert!(answer["error"]["message"].is_string() && answer["error"]["retryable"] == false);
    }
    for (event, argument) in &cases {
        socket.emit(event, argument);
    }
    let is_error = |(name, payload): &(String, Value)| {
        name == "error" && payload["code"] == "malformed_message" && payload["message"].is_string()
    };
    crate::support::eventually("an error event for each", async || {
        (socket.events().iter().filter(|event| is_error(event)).count() == cases.len())
            .then_some(())
    })
    .await;
    is_well(&socket).await;
}

/// A room that the dashboard shows is entered without asking the core about the cursor.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_that_is_none_is_told_however_its_topic_is_joined() {
    let system = System::start().await;
    let clients = Clients::node().await;
    for is_shown in [false, true] {
        let auth = json!({ "dashboard": is_shown });
        let options = json!({ "cursors": { "room:agents": "bogus" }, "auth": auth });
        let socket = clients.connect_with(&system.edge.url(), Some(&user("ana")), options);
        let error = socket.event("error").await;
        let told = (&error["code"], &error["topic"]);
        assert_eq!(told, (&json!("invalid_argument"), &json!("room:agents")), "{error}");
        is_well(&socket).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_packets_end_at_most_their_own_connection() {
    let mut system = System::start().await;
    let clients = Clients::node().await;
    let url = system.edge.url();
    let bystander = clients.connect(&url, Some(&user("ana")));
    bystander.connected().await;
    let packets = [
        "",
        "2",
        "2{",
        "2[",
        "2[]",
        "2[1]",
        "2[null,{}]",
        "2[\"join_job\"",
        "2[\"join_job\",{]",
        "2999999999999999999999[\"ping\"]",
        "2/nowhere,[\"ping\"]",
        "9",
        "x",
        "0",
        "0{\"token\":",
        "51-[\"join_job\",{\"_placeholder\":true,\"num\":0}]",
        "59999-[\"a\"]",
        "3[]",
        "34[\"stray\"]",
        "4{\"message\":\"x\"}",
        "1",
        "\u{0}\u{1}\u{2}",
    ];
    for packet in packets {
        let victim =
            clients.connect_with(&url, Some(&user("eve")), json!({ "transports": ["websocket"] }));
        victim.connected().await;
        victim.emit_raw(packet);
        is_well(&bystander).await;
        victim.disconnect();
    }
    let rest = Rest::new(&url, None);
    let polling = "/socket.io/?EIO=4&transport=polling";
    for (path, body) in [
        (polling, "nonsense"),
        ("/socket.io/?EIO=3&transport=polling", ""),
        ("/socket.io/?EIO=4&transport=carrier-pigeon", ""),
        ("/socket.io/?EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAA", "40"),
        ("/socket.io/?EIO=4&transport=polling&sid=%00", "40"),
        ("/socket.io/", ""),
    ] {
        let answer = rest.post_text(path, body).await;
        assert!((400..500).contains(&answer.status), "{path}: {}", answer.status);
    }
    for body in ["40{", "40{}\u{1e}\u{1e}\u{1e}", "40/x\u{0},{}", "4", "b", "bAAAA", "6", "40[1]"] {
        let opened = rest.get(polling).await.text;
        let hello: Value = serde_json::from_str(opened.strip_prefix('0').unwrap()).unwrap();
        let path = format!("{polling}&sid={}", hello["sid"].as_str().unwrap());
        let answer = rest.post_text(&path, body).await;
        assert!(answer.status < 500, "{body:?}: {}", answer.status);
        is_well(&bystander).await;
    }
    assert!(system.edge.process().is_running());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ten_megabyte_message_is_refused_on_every_surface_and_memory_stays_bounded() {
    let mut system = System::start().await;
    let clients = Clients::node().await;
    let url = system.edge.url();
    let bystander = clients.connect(&url, Some(&user("ana")));
    bystander.connected().await;
    let before = (system.edge.process().memory(), system.core.process().memory());
    let large = "x".repeat(TOO_LARGE);
    let root = system.edge.rest(&admin("root"));
    for _ in 0..3 {
        let body = json!({ "kind": "large", "input": large }).to_string();
        let answer = root.post_text("/jobs", body).await;
        assert_eq!((answer.status, answer.problem()), (413, "payload_too_large"));
        let body = json!({ "type": "large", "data": { "text": large } }).to_string();
        let answer = root.post_text("/topics/room:open/events", body).await;
        assert_eq!((answer.status, answer.problem()), (413, "payload_too_large"));

        let payload = Payload { content_type: "text/plain".to_owned(), data: large.clone().into() };
        let event = NewEvent { r#type: "large".to_owned(), payload: Some(payload.clone()) };
        let request = PublishRequest {
            topic: "room:open".to_owned(),
            event: Some(event),
            ..PublishRequest::default()
        };
        too_large(&system.core.broadcast().publish(request).await.unwrap_err());
        let request = CreateJobRequest {
            kind: "large".to_owned(),
            input: Some(payload),
            ..CreateJobRequest::default()
        };
        too_large(&system.core.jobs().create_job(request).await.unwrap_err());

        let socket =
            clients.connect_with(&url, Some(&user("eve")), json!({ "transports": ["websocket"] }));
        socket.connected().await;
        socket.emit("join_job", &json!({ "job_id": large }));
        socket.state("disconnect").await;
        is_well(&bystander).await;
    }
    let after = (system.edge.process().memory(), system.core.process().memory());
    assert!(after.0 < before.0 + GROWTH_MAX, "the edge grew from {} to {}", before.0, after.0);
    assert!(after.1 < before.1 + GROWTH_MAX, "the core grew from {} to {}", before.1, after.1);
}

/// Above the transport's own limit the status says it; below it the registry's code does.
fn too_large(status: &tonic::Status) {
    let code = roomcast_proto::registry::Code::of(status).as_str();
    assert_eq!(code, "payload_too_large", "{status:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_are_not_what_a_route_takes_are_problems_with_a_code() {
    let system = System::start().await;
    let root = system.edge.rest(&admin("root"));
    let events = "/topics/room:open/events";
    let cases: [(&str, &str, u16, &str); 16] = [
        ("/jobs", "", 400, "malformed_message"),
        ("/jobs", "{", 400, "malformed_message"),
        ("/jobs", "[]", 400, "malformed_message"),
        ("/jobs", "{}", 400, ""),
        ("/jobs", r#"{"kind": 7}"#, 400, ""),
        ("/jobs", r#"{"kind": "a b"}"#, 400, "invalid_argument"),
        ("/jobs", r#"{"kind": "a", "priority": 101}"#, 400, "invalid_argument"),
        ("/jobs", r#"{"kind": "a", "run_at": "tomorrow"}"#, 400, "invalid_argument"),
        ("/jobs", r#"{"kind": "a", "unknown": 1}"#, 400, ""),
        (events, r#"{"type": "a", "data": [1]}"#, 400, "invalid_argument"),
        (events, r#"{"type": "job_update", "data": {}}"#, 400, "invalid_argument"),
        (events, r#"{"type": "disconnect", "data": {}}"#, 400, "invalid_argument"),
        (events, r#"{"type": "a", "data": {"cursor": 1}}"#, 400, "invalid_argument"),
        ("/topics/job:x/events", r#"{"type": "a", "data": {}}"#, 403, "topic_reserved"),
        ("/topics/nonsense/events", r#"{"type": "a", "data": {}}"#, 400, "invalid_argument"),
        ("/nowhere", "{}", 404, "route_not_found"),
    ];
    for (path, body, status, expected) in cases {
        let answer = root.post_text(path, body.to_owned()).await;
        let code = answer.problem();
        assert_eq!(answer.status, status, "{path} {body}: {}", answer.text);
        assert!(expected.is_empty() || code == expected, "{path} {body}: {code}");
    }
    let deep = format!(r#"{{"type":"a","data":{}1{}}}"#, r#"{"a":"#.repeat(65), "}".repeat(65));
    assert_eq!(root.post_text(events, deep).await.problem(), "invalid_argument");
    let request = root.request(reqwest::Method::POST, "/jobs").body("kind=a");
    let answer = crate::support::Answer::of(request).await;
    assert_eq!((answer.status, answer.problem()), (415, "unsupported_media_type"));
    let answer = crate::support::Answer::of(root.request(reqwest::Method::PUT, "/jobs")).await;
    assert_eq!((answer.status, answer.problem()), (405, "method_not_allowed"));
    for query in ["limit=none", "page_token=!", "unknown=1", "limit=-1"] {
        let answer = root.get(&format!("/jobs?{query}")).await;
        assert_eq!((answer.status, answer.problem()), (400, "invalid_argument"), "{query}");
    }
}

/// Whether a socket is connected and answered.
async fn is_well(socket: &Socket) {
    let answer = socket.ask("ping", &json!({})).await;
    assert_eq!(answer["ok"], true);
    assert_eq!(socket.times("disconnect"), 0);
}
