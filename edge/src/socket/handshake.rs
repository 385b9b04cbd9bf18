//! What a client sends in `auth` when it connects to a namespace.

use roomcast_proto::registry::Code;
use serde::Deserialize;

use super::{
    command::Id,
    recover::Claim,
    refusal::Refusal,
    subscriptions::{TOPICS_MAX, Topics},
};

#[derive(Debug, Default, Deserialize)]
pub(super) struct Handshake {
    pub(super) token: Option<String>,
    /// A session to join at once.
    session_id: Option<Id>,
    /// What to join at once besides.
    #[serde(default)]
    cursors: Topics,
    /// Whether the dashboard is shown to this client, if it says so.
    dashboard: Option<bool>,
    /// Whether this client recovers as Socket.IO's own do.
    #[serde(default)]
    pub(super) recover: bool,
    /// What a client that recovers shows of its last connection.
    #[serde(flatten)]
    pub(super) claim: Claim,
}

impl Handshake {
    /// Whether this client does not want to be shown the dashboard.
    pub(super) fn declines_dashboard(&self) -> bool {
        self.dashboard == Some(false)
    }

    /// Takes out what is to be joined at once.
    pub(super) fn take_topics(&mut self) -> Result<Topics, Refusal> {
        let cursors = std::mem::take(&mut self.cursors);
        // One that is empty says no more than none.
        let known = |cursor: Option<String>| cursor.filter(|cursor| !cursor.is_empty());
        let mut topics: Topics =
            cursors.into_iter().map(|(topic, cursor)| (topic, known(cursor))).collect();
        if let Some(id) = self.session_id.take() {
            let session_id = Id::required(Some(id), "session_id")?;
            topics.entry(format!("session:{session_id}")).or_insert(None);
        }
        if topics.len() > TOPICS_MAX {
            let code = Code::TooManySubscriptions;
            return Err(Refusal::new(code, code.entry().cause));
        }
        Ok(topics)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(auth: &str, topics: &[(&str, Option<&str>)]) {
        let mut handshake: Handshake = serde_json::from_str(auth).unwrap();
        let found = handshake.take_topics().unwrap();
        let found: Vec<_> =
            found.iter().map(|(topic, cursor)| (topic.as_str(), cursor.as_deref())).collect();
        assert_eq!(found, topics, "{auth}");
    }

    #[test]
    fn a_session_is_joined_by_its_id_and_once() {
        check("{}", &[]);
        check(r#"{"session_id":null}"#, &[]);
        check(r#"{"session_id":"s"}"#, &[("session:s", None)]);
        check(r#"{"session_id":7}"#, &[("session:7", None)]);
        check(r#"{"cursors":{"room:a":"","room:b":null}}"#, &[("room:a", None), ("room:b", None)]);
        check(
            r#"{"session_id":"s","cursors":{"room:a":"r","session:s":"c"}}"#,
            &[("room:a", Some("r")), ("session:s", Some("c"))],
        );
    }

    #[test]
    fn an_id_that_is_none_is_malformed() {
        let mut handshake: Handshake = serde_json::from_str(r#"{"session_id":"a b"}"#).unwrap();
        let refusal = handshake.take_topics().unwrap_err();
        assert_eq!(refusal.code(), Code::MalformedMessage);
    }
}
