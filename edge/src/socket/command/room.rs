//! Rooms.

use std::collections::BTreeMap;

use roomcast_proto::dashboard;
use serde::Deserialize;

use super::{Call, Command, Parsed, Refusal, field::Id, malformed};

#[derive(Debug, PartialEq, Eq)]
pub(in crate::socket) enum Room {
    Join {
        room: String,
        since: Option<String>,
    },
    /// The dashboard: its rooms, each from where the client was in it.
    JoinView {
        cursors: BTreeMap<String, String>,
    },
    Leave {
        room: String,
    },
    LeaveView,
}

#[derive(Debug, Deserialize)]
struct Join {
    room: Option<Id>,
    since: Option<String>,
    #[serde(default)]
    cursors: BTreeMap<String, String>,
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
    let Join { room, since, cursors } = call.required()?;
    let room = Id::required(room, "room")?;
    if room != dashboard::VIEW {
        return Ok(Room::Join { room, since });
    }
    match since {
        None => Ok(Room::JoinView { cursors }),
        Some(_) => {
            Err(malformed("each room of the dashboard has a cursor of its own: send cursors"))
        }
    }
}

fn leave(call: &Call<'_>) -> Result<Room, Refusal> {
    let Leave { room } = call.required()?;
    let room = Id::required(room, "room")?;
    Ok(if room == dashboard::VIEW { Room::LeaveView } else { Room::Leave { room } })
}
