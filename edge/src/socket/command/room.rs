//! Rooms.

use serde::Deserialize;

use super::{Call, Command, Parsed, Refusal, field::Id};

#[derive(Debug, PartialEq, Eq)]
pub(in crate::socket) enum Room {
    Join { room: String, since: Option<String> },
    Leave { room: String },
}

#[derive(Debug, Deserialize)]
struct Join {
    room: Option<Id>,
    since: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Leave {
    room: Option<Id>,
}

pub(super) fn parse(call: &Call<'_>) -> Parsed {
    let room = match call.name.as_str() {
        "join_room" => join(call),
        "leave_room" => leave(call),
        _ => return None,
    };
    Some(room.map(Command::Room))
}

fn join(call: &Call<'_>) -> Result<Room, Refusal> {
    let Join { room, since } = call.required()?;
    Ok(Room::Join { room: Id::required(room, "room")?, since })
}

fn leave(call: &Call<'_>) -> Result<Room, Refusal> {
    let Leave { room } = call.required()?;
    Ok(Room::Leave { room: Id::required(room, "room")? })
}
