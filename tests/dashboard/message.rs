//! A message of the dashboard, however it was published, and what a client that joins is told at once.

use roomcast_identity::Scope;
use roomcast_proto::dashboard::EVENTS;
use roomcast_proto::v1::{NewEvent, Payload, PublishRequest};
use serde_json::{Value, json};

use super::{has_none_twice, publish, shown, system};
use crate::support::{Caller, Clients, Sse, System, admin, user};

/// It is `{event, data, room, timestamp}` with the envelope.
fn is_message(payload: &Value, event: &str, room: &str, data: &Value) {
    assert_eq!(
        (&payload["event"], &payload["room"], &payload["data"]),
        (&json!(event), &json!(room), data),
        "{payload}"
    );
    assert_eq!(payload["topic"], format!("room:{room}"));
    for field in ["timestamp", "cursor", "event_id"] {
        assert!(payload[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {payload}");
    }
    assert_eq!(payload.as_object().unwrap().len(), 8, "{payload}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_the_same_whether_it_came_over_socket_io_rest_or_grpc() {
    let system = System::start().await;
    let (node, python) = (Clients::node().await, Clients::python().await);
    let admins = [
        shown(&node, &system, &admin("root"), &json!({})).await,
        shown(&python, &system, &admin("root"), &json!({})).await,
    ];
    let watcher = shown(&node, &system, &user("ana"), &json!({})).await;
    let rest = system.edge.rest(&admin("root"));
    let mut grpc = Caller::service(&[Scope::Service]).broadcast(system.core.channel());
    for (event, room) in EVENTS {
        let data = |from: &str| json!({ "from": from, "timestamp": "its own", "topic": room });
        let mut ids = Vec::new();
        for (socket, from) in admins.iter().zip(["node", "python"]) {
            let answer = socket.ask(event, &data(from)).await;
            assert_eq!(answer["ok"], true, "{answer}");
            assert!(answer["cursor"].is_string(), "{answer}");
            ids.push((from, answer["event_id"].clone()));
        }
        ids.push(("rest", publish(&rest, room, event, &data("rest")).await["event_id"].clone()));
        let payload = Payload { data: data("grpc").to_string().into(), ..Payload::default() };
        let new = NewEvent { r#type: event.to_owned(), payload: Some(payload) };
        let wanted = PublishRequest {
            topic: format!("room:{room}"),
            event: Some(new),
            ..PublishRequest::default()
        };
        let published = grpc.publish(wanted).await.unwrap().into_inner().published.unwrap();
        ids.push(("grpc", json!(published.event_id)));
        for (from, id) in ids {
            for socket in admins.iter().chain([&watcher]) {
                let got = socket.event_where(event, |got| got["event_id"] == id).await;
                is_message(&got, event, room, &data(from));
            }
        }
    }
    has_none_twice(&watcher);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rest_reads_what_was_published_and_a_stream_tells_the_message() {
    let system = System::start().await;
    let rest = system.edge.rest(&admin("root"));
    let data = json!({ "agent_id": "a1", "status": "idle" });
    publish(&rest, "agents", "agent_status_update", &data).await;
    let page = rest.get("/topics/room:agents/events").await.ok(200);
    assert_eq!(page["events"][0]["data"], data);
    let mut stream = Sse::open(&rest, "/topics/room:agents/events", None).await;
    publish(&rest, "agents", "agent_status_update", &data).await;
    let told = stream.until(|frame| frame.event == "agent_status_update").await.pop().unwrap();
    is_message(&told.data, "agent_status_update", "agents", &data);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dashboard_begins_with_the_last_value_of_each_type() {
    let system = system("told = { last = true }\nuntold = {}").await;
    let rest = system.edge.rest(&admin("root"));
    for n in 0..3 {
        for kind in ["agent_status_update", "other"] {
            publish(&rest, "agents", kind, &json!({ "n": n })).await;
        }
        publish(&rest, "told", "level", &json!({ "n": n })).await;
        publish(&rest, "untold", "level", &json!({ "n": n })).await;
    }
    for clients in [Clients::node().await, Clients::python().await] {
        let socket = clients.connect(&system.edge.url(), Some(&user("ana")));
        let first = socket.event("agent_status_update").await;
        is_message(&first, "agent_status_update", "agents", &json!({ "n": 2 }));
        assert_eq!(socket.event("other").await["data"]["n"], 2);
        has_none_twice(&socket);

        let joined = socket.ask("join_room", &json!({ "room": "told" })).await;
        assert_eq!(joined["ok"], true, "{joined}");
        assert_eq!(socket.event("level").await["n"], 2);
        // Whoever asks for a room again is told again; whoever goes on is not.
        socket.ask("join_room", &json!({ "room": "agents" })).await;
        socket.ask("join_room", &json!({ "room": "untold" })).await;
        let since = json!({ "room": "told", "since": joined["cursor"] });
        assert_eq!(socket.ask("join_room", &since).await["resumed"], true);
        socket.ask("ping", &json!({})).await;
        let count =
            |wanted: &str| socket.events().iter().filter(|(name, _)| name == wanted).count();
        assert_eq!((count("agent_status_update"), count("level")), (2, 1));
    }
}
