//! Sessions: who is in them, and what becomes of their graphs.

use roomcast_proto::{registry::Code, v1};
use serde::Deserialize;

use super::{Call, Command, Parsed, Refusal, field::Id};
use crate::names::{HistoryStep, Malformed, NewCommand};

#[derive(Debug, PartialEq)]
pub(in crate::socket) enum Session {
    Join { session_id: String, since: Option<String> },
    Leave { session_id: String },
    Execute(v1::ExecuteCommandRequest),
    Undo(v1::UndoCommandRequest),
    Redo(v1::RedoCommandRequest),
}

#[derive(Debug, Deserialize)]
struct Join {
    session_id: Option<Id>,
    since: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Leave {
    session_id: Option<Id>,
}

pub(super) fn parse(call: &Call<'_>) -> Parsed {
    let session = match call.name.as_str() {
        "join_session" => join(call),
        "leave_session" => leave(call),
        "execute_command" => execute(call).map(Session::Execute),
        "undo" => call.required().map(|step: HistoryStep| Session::Undo(step.undo())),
        "redo" => call.required().map(|step: HistoryStep| Session::Redo(step.redo())),
        _ => return None,
    };
    Some(session.map(Command::Session))
}

fn join(call: &Call<'_>) -> Result<Session, Refusal> {
    let Join { session_id, since } = call.required()?;
    Ok(Session::Join { session_id: Id::required(session_id, "session_id")?, since })
}

fn leave(call: &Call<'_>) -> Result<Session, Refusal> {
    let Leave { session_id } = call.required()?;
    Ok(Session::Leave { session_id: Id::required(session_id, "session_id")? })
}

fn execute(call: &Call<'_>) -> Result<v1::ExecuteCommandRequest, Refusal> {
    let new: NewCommand = call.required()?;
    new.request()
        .map_err(|malformed: Malformed| Refusal::new(Code::InvalidArgument, malformed.to_string()))
}
