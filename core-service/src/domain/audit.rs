//! What was done by those who may do more than others: an entry for each act, in a topic of its tenant
//! that operators alone may read. Who, what, on which thing, how it ended, from where; never a content.

use serde::{Deserialize, Serialize};

use crate::domain::topic::Topic;

/// What operators do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Cancel somebody else's job.
    CancelJob,
    /// Run somebody else's job again.
    RetryJob,
    /// Publish where only an administrator may.
    Publish,
    /// Refuse tokens.
    Revoke,
    /// Take a revocation back.
    LiftRevocation,
    /// Have rights asked for anew.
    RecheckGrants,
    /// Register or rename a user.
    PutUser,
    /// Shut a user out.
    DisableUser,
    /// Let a user in again.
    EnableUser,
    /// Forget a user.
    DeleteUser,
    /// Delete a project of others.
    DeleteProject,
    /// Give somebody a role in a project of others.
    SetMember,
    /// Take somebody out of a project of others.
    RemoveMember,
    /// Close a session of others.
    CloseSession,
    /// End a connection.
    Disconnect,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is done, in the commit that tells of it, or after it.
    Done,
    /// It was not to be.
    Refused,
}

/// One act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// In whose topic it stands.
    pub tenant: String,
    /// What.
    pub act: Act,
    /// On which thing: `job:…`, `user:…`, a topic, a connection.
    pub target: String,
    /// By whom.
    pub by: String,
    /// The caller's address, if it is known.
    pub from: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// The registry's code of a refusal.
    pub code: Option<&'static str>,
}

/// An entry as its event tells it.
#[derive(Serialize)]
struct Told<'a> {
    act: &'a str,
    target: &'a str,
    by: &'a str,
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
}

/// Who an entry's event tells of.
#[derive(Deserialize)]
struct By {
    by: String,
}

/// By whom an act was, as its event tells.
#[must_use]
pub fn by(json: &[u8]) -> Option<String> {
    serde_json::from_slice::<By>(json).ok().map(|told| told.by)
}

impl Act {
    /// The type of its events: the noun, then what is done to it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Act::CancelJob => "audit.job.cancel",
            Act::RetryJob => "audit.job.retry",
            Act::Publish => "audit.topic.publish",
            Act::Revoke => "audit.revocation.put",
            Act::LiftRevocation => "audit.revocation.lift",
            Act::RecheckGrants => "audit.grants.recheck",
            Act::PutUser => "audit.user.put",
            Act::DisableUser => "audit.user.disable",
            Act::EnableUser => "audit.user.enable",
            Act::DeleteUser => "audit.user.delete",
            Act::DeleteProject => "audit.project.delete",
            Act::SetMember => "audit.project.set_member",
            Act::RemoveMember => "audit.project.remove_member",
            Act::CloseSession => "audit.session.close",
            Act::Disconnect => "audit.connection.disconnect",
        }
    }
}

impl Entry {
    /// Where it stands: a tenant's acts in one order.
    #[must_use]
    pub fn topic(&self) -> Topic {
        Topic::audit(&self.tenant)
    }

    /// The content of its event.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&Told {
            act: self.act.as_str(),
            target: &self.target,
            by: &self.by,
            outcome: self.outcome,
            code: self.code,
            from: self.from.as_deref(),
        })
    }

    /// The same act, refused.
    #[must_use]
    pub fn refused(self, code: &'static str) -> Entry {
        Entry { outcome: Outcome::Refused, code: Some(code), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_tells_who_did_what_and_how_it_ended() {
        let entry = Entry {
            tenant: "acme".into(),
            act: Act::DisableUser,
            target: "user:eve".into(),
            by: "root".into(),
            from: Some("192.0.2.7".into()),
            outcome: Outcome::Done,
            code: None,
        };
        let told = |entry: &Entry| String::from_utf8(entry.json().expect("JSON")).expect("text");
        assert_eq!(
            told(&entry),
            r#"{"act":"audit.user.disable","target":"user:eve","by":"root","outcome":"done","from":"192.0.2.7"}"#
        );
        let entry = Entry { from: None, ..entry }.refused("user_not_found");
        assert_eq!(
            told(&entry),
            r#"{"act":"audit.user.disable","target":"user:eve","by":"root","outcome":"refused","code":"user_not_found"}"#
        );
        assert_eq!(format!("{:?}", entry.topic()), "acme/audit:log");
    }
}
