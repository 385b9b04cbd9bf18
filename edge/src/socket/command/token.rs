//! A fresh token for a connection that stands.

use std::fmt;

use serde::Deserialize;

use super::{Call, Command, Parsed, Refusal, malformed};

#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(in crate::socket) struct Authenticate {
    pub(in crate::socket) token: Token,
}

/// A user's token. `Debug` shows nothing of it.
#[derive(PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(in crate::socket) struct Token(pub(in crate::socket) String);

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token([redacted])")
    }
}

pub(super) fn parse(call: &Call<'_>) -> Parsed {
    (call.name == "authenticate").then(|| authenticate(call).map(Command::Authenticate))
}

fn authenticate(call: &Call<'_>) -> Result<Authenticate, Refusal> {
    let authenticate: Authenticate = call.required()?;
    if authenticate.token.0.is_empty() {
        return Err(malformed("the token is empty"));
    }
    Ok(authenticate)
}
