//! Who is in sessions and rooms, as clients see it and as the core says.

mod crowd;
mod edges;
mod room;

use std::collections::BTreeMap;

use roomcast_proto::v1;
use serde_json::{Value, json};

use super::{join, open_for, sessions};
use crate::support::{Clients, Core, Edge, Rest, Socket, admin, user};

/// Users with their connections, or only how many users there are.
#[derive(Debug, PartialEq)]
enum Here {
    Named(BTreeMap<String, u64>),
    Counted(u64),
}

impl Here {
    fn named(users: &[(&str, u64)]) -> Here {
        Here::Named(
            users.iter().map(|(user, connections)| ((*user).into(), *connections)).collect(),
        )
    }

    fn listed(users: &Value) -> Here {
        let user = |user: &Value| {
            let user_id = user["user_id"].as_str().unwrap().to_owned();
            (user_id, user["connections"].as_u64().unwrap())
        };
        Here::Named(users.as_array().into_iter().flatten().map(user).collect())
    }

    fn answered(answer: &Value) -> Here {
        let (users, count) = (&answer["participants"], answer["participant_count"].as_u64());
        match (Here::listed(users), count.unwrap()) {
            (Here::Named(users), count) if users.is_empty() && count > 0 => Here::Counted(count),
            (here, _) => here,
        }
    }

    fn fold(&mut self, event: &str, payload: &Value) {
        let user_id = || payload["user_id"].as_str().unwrap().to_owned();
        let connections = payload["connections"].as_u64();
        match (event, &mut *self) {
            ("session_state", _) => *self = Here::answered(payload),
            ("session:presence" | "presence", _) if payload["listed"] == true => {
                *self = Here::listed(&payload["users"]);
            }
            ("session:presence" | "presence", _) => {
                *self = Here::Counted(payload["participants"].as_u64().unwrap());
            }
            ("session:connected", Here::Named(users)) => {
                users.insert(user_id(), connections.unwrap());
            }
            ("session:disconnected", Here::Named(users)) if connections == Some(0) => {
                users.remove(&user_id());
            }
            ("session:disconnected", Here::Named(users)) => {
                users.insert(user_id(), connections.unwrap());
            }
            _ => {}
        }
    }
}

/// Who is there by what a client was told: the state it joined, and every event since.
fn folded(socket: &Socket) -> Here {
    let mut here = Here::named(&[]);
    for (event, payload) in socket.events() {
        here.fold(&event, &payload);
    }
    here
}

/// Who is there by what the core says, over REST.
async fn listed(edge: &Edge, session_id: &str) -> Here {
    let path = format!("/sessions/{session_id}/participants");
    Here::answered(&edge.rest(&admin("root")).get(&path).await.ok(200))
}

/// What a client was told of this user's coming and going.
fn heard_of(socket: &Socket, user_id: &str) -> Vec<(String, u64)> {
    let is_of = |(event, payload): &(String, Value)| {
        event.starts_with("session:") && payload["user_id"] == user_id
    };
    let events = socket.events().into_iter().filter(is_of);
    events.map(|(event, payload)| (event, payload["connections"].as_u64().unwrap())).collect()
}

/// A client of this user that has joined the session, and comes back by itself.
async fn joined(clients: &Clients, edge: &Edge, user_id: &str, session_id: &str) -> Socket {
    let socket = clients.stay_connected(&edge.url(), Some(&user(user_id)));
    socket.connected().await;
    join(&socket, session_id).await;
    socket
}

/// An edge of which only the announcements are there.
async fn announce(core: &Core, edge_id: &str, session_id: &str, users: &[&str]) -> bool {
    let presences = users.iter().map(|user_id| v1::Presence {
        topic: format!("session:{session_id}"),
        user_id: (*user_id).to_owned(),
        connections: 1,
        tenant: String::new(),
    });
    let presences = presences.collect();
    let edge_id = edge_id.to_owned();
    let wanted = v1::AnnouncePresenceRequest { edge_id, presences, ..Default::default() };
    sessions(core).announce_presence(wanted).await.unwrap().into_inner().known
}

/// Joins a room, which the edge lets it.
async fn enter(socket: &Socket, room: &str) {
    let answer = socket.ask("join_room", &json!({ "room": room })).await;
    assert_eq!(answer["ok"], true, "{answer}");
}

/// Who is in a room by what the core says, over REST.
async fn in_room(rest: &Rest, room: &str) -> Here {
    Here::answered(&rest.get(&format!("/rooms/{room}/presence")).await.ok(200))
}
