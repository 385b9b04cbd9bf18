//! The dashboard's rooms and declared ones, through unmodified clients: who sees what, each event once,
//! who may publish, what is told at the beginning, and how it goes on after a reconnect.

mod debug;
mod limit;
mod message;
mod publish;
mod reconnect;
mod rooms;
mod view;

use std::collections::HashSet;

use roomcast_proto::dashboard::VIEWED;
use serde_json::{Value, json};

use crate::support::{Clients, Core, Edge, Rest, Socket, System, Token, admin, eventually};

/// A system whose rooms are declared so.
async fn system(rooms: &str) -> System {
    let core = Core::start_with(&["--rooms", rooms]).await;
    System { edge: Edge::start(&core).await, core }
}

/// A client that has been shown the dashboard: it has got what was published to each room since it came.
async fn shown(clients: &Clients, system: &System, token: &Token, options: &Value) -> Socket {
    let socket = clients.connect_with(&system.edge.url(), Some(token), options.clone());
    socket.connected().await;
    let root = system.edge.rest(&admin("root"));
    is_shown(&socket, &root, &VIEWED).await;
    socket
}

/// Waits until the socket gets what is published to these rooms.
async fn is_shown(socket: &Socket, root: &Rest, rooms: &[&str]) {
    let mark = socket.observations().len();
    for room in rooms {
        let published = publish(root, room, "mark", &json!({ "after": mark })).await;
        socket.event_where("mark", |payload| payload["event_id"] == published["event_id"]).await;
    }
}

async fn publish(rest: &Rest, room: &str, kind: &str, data: &Value) -> Value {
    let event = json!({ "type": kind, "data": data });
    rest.post(&format!("/topics/room:{room}/events"), &event).await.ok(201)
}

/// The numbers of a room's `n` events that a client has got, in the order in which it got them.
fn numbers(socket: &Socket, room: &str) -> Vec<u64> {
    let of_room = |payload: &Value| payload["topic"] == format!("room:{room}");
    let events = socket.events().into_iter();
    let events = events.filter(|(name, payload)| name == "n" && of_room(payload));
    events.filter_map(|(_, payload)| payload["data"]["n"].as_u64()).collect()
}

async fn has_number(socket: &Socket, room: &str, number: u64) {
    let what = format!("number {number} of {room}");
    eventually(&what, async || numbers(socket, room).contains(&number).then_some(())).await;
}

/// No event has come to it twice.
fn has_none_twice(socket: &Socket) {
    let mut seen = HashSet::new();
    for (name, payload) in socket.events() {
        if let Some(id) = payload["event_id"].as_str() {
            assert!(seen.insert(id.to_owned()), "{name} {id} came twice");
        }
    }
}
