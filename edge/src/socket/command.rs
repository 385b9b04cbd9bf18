//! What a client asks for: the event's name and its one argument, or why it cannot be understood. Each
//! noun reads its own.

mod audit;
mod field;
mod job;
mod project;
mod publish;
mod room;
mod session;
mod token;

pub(super) use audit::Audit;
pub(super) use field::Id;
pub(super) use job::Job;
pub(super) use project::Project;
pub(super) use publish::Publish;
pub(super) use room::Room;
pub(super) use session::Session;
pub(super) use token::{Authenticate, Token};

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use socketioxide_core::Str;

use super::{
    catalogue,
    inbound::Message,
    refusal::{Refusal, malformed},
};

/// A client's request.
#[derive(Debug, PartialEq)]
pub(super) enum Command {
    Audit(Audit),
    Job(Job),
    Project(Project),
    Publish(Publish),
    Room(Room),
    Session(Session),
    Authenticate(Authenticate),
    Ping,
}

/// How a noun reads a call: nothing of one that is another's.
type Parsed = Option<Result<Command, Refusal>>;

const NOUNS: [fn(&Call<'_>) -> Parsed; 8] = [
    session::parse,
    job::parse,
    project::parse,
    room::parse,
    publish::parse,
    token::parse,
    audit::parse,
    ping,
];

/// An event's name, and its argument as it came.
#[derive(Debug)]
struct Call<'a> {
    name: String,
    argument: Option<&'a RawValue>,
}

impl Command {
    pub(super) fn parse(message: &Message) -> Result<Self, Refusal> {
        if message.has_attachments {
            return Err(malformed("attachments are not part of any event here"));
        }
        let call = Call::parse(&message.text)?;
        let read = NOUNS.iter().find_map(|parse| parse(&call));
        debug_assert!(
            read.is_none() || catalogue::takes(&call.name),
            "{} is not in the catalogue",
            call.name
        );
        read.unwrap_or_else(|| {
            let name = &call.name;
            Err(malformed(format!("no such event as docs/reference/socketio.md lists: {name}")))
        })
    }
}

fn ping(call: &Call<'_>) -> Parsed {
    (call.name == "ping").then_some(Ok(Command::Ping))
}

impl<'a> Call<'a> {
    fn parse(text: &'a str) -> Result<Self, Refusal> {
        let parts: Vec<&RawValue> = serde_json::from_str(text)
            .map_err(|_| malformed("the message is not a list of a name and its argument"))?;
        let (name, arguments) =
            parts.split_first().ok_or_else(|| malformed("the message names no event"))?;
        let name = serde_json::from_str(name.get())
            .map_err(|_| malformed("the event's name is not a string"))?;
        Ok(Self { name, argument: arguments.first().copied() })
    }

    /// The argument, of an event that must have one, or which of its fields is wrong.
    fn required<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let (name, text) = (&self.name, self.argument.map_or("null", RawValue::get));
        // serde would take a list for an object, its elements for the fields in their order.
        if !text.starts_with('{') {
            let message = format!("{name} takes one object, as docs/reference/socketio.md says");
            return Err(malformed(message));
        }
        let mut json = serde_json::Deserializer::from_str(text);
        serde_path_to_error::deserialize(&mut json)
            .map_err(|error| malformed(format!("{name}: {error}")))
    }

    /// The argument, of an event that may have one.
    fn optional<T: Default + DeserializeOwned>(&self) -> Result<T, Refusal> {
        match self.argument.map(RawValue::get) {
            None | Some("null") => Ok(T::default()),
            Some(_) => self.required(),
        }
    }
}

/// For [`crate::probe`]: a text that is understood or refused, and the refusal has a text.
pub(crate) fn probe(text: Str) {
    let message = Message { text, ack: None, has_attachments: false };
    if let Err(refusal) = Command::parse(&message) {
        assert!(!refusal.message().is_empty());
    }
}

#[cfg(test)]
mod tests;
