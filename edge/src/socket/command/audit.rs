//! What operators did.

use serde::Deserialize;

use super::{Call, Command, Parsed};

#[derive(Debug, PartialEq, Eq)]
pub(in crate::socket) enum Audit {
    Join { since: Option<String> },
    Leave,
}

#[derive(Debug, Default, Deserialize)]
struct Join {
    since: Option<String>,
}

pub(super) fn parse(call: &Call<'_>) -> Parsed {
    let audit = match call.name.as_str() {
        "subscribe_audit" => call.optional().map(|Join { since }| Audit::Join { since }),
        "unsubscribe_audit" => Ok(Audit::Leave),
        _ => return None,
    };
    Some(audit.map(Command::Audit))
}
