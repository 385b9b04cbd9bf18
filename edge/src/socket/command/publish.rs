//! Publishing: the dashboard's events by their own names, any other with its room and type.

use roomcast_proto::dashboard;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Call, Command, Parsed, Refusal, field::Id, malformed};

/// An event to be. The core says whether it may be, and checks its form.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::socket) struct Publish {
    pub(in crate::socket) room: String,
    pub(in crate::socket) kind: String,
    /// The text of one JSON object, as the client wrote it.
    pub(in crate::socket) data: String,
}

#[derive(Debug, Deserialize)]
struct Named {
    room: Option<Id>,
    r#type: Option<String>,
    data: Option<Box<RawValue>>,
}

pub(super) fn parse(call: &Call<'_>) -> Parsed {
    let publish = match dashboard::room_of(&call.name) {
        Some(room) => own(call, room),
        None if call.name == "publish" => named(call),
        None => return None,
    };
    Some(publish.map(Command::Publish))
}

fn own(call: &Call<'_>, room: &str) -> Result<Publish, Refusal> {
    let data = object(call.argument, &call.name)?;
    Ok(Publish { room: room.to_owned(), kind: call.name.clone(), data })
}

fn named(call: &Call<'_>) -> Result<Publish, Refusal> {
    let Named { room, r#type, data } = call.required()?;
    let room = Id::required(room, "room")?;
    let kind = r#type.ok_or_else(|| malformed("type is required"))?;
    Ok(Publish { room, kind, data: object(data.as_deref(), "data")? })
}

fn object(data: Option<&RawValue>, name: &str) -> Result<String, Refusal> {
    match data.map(RawValue::get) {
        Some(text) if text.starts_with('{') => Ok(text.to_owned()),
        Some(_) | None => Err(malformed(format!("{name} takes one object"))),
    }
}
