//! Acts of operators, told of in their log: in the act's own commit where it is done, by themselves where it
//! is refused.

use crate::auth::Caller;
use crate::domain::access::{Command as AccessCommand, Revoked};
use crate::domain::audit::{Act, Entry, Outcome};
use crate::domain::trace::TraceId;
use crate::error::code;
use crate::log::Log;
use crate::store::Error;
use crate::store::commit::{self, Action, Append, Command};

/// An act of a caller.
pub(super) fn entry(caller: &Caller, tenant: &str, act: Act, target: String) -> Entry {
    Entry {
        tenant: tenant.to_owned(),
        act,
        target,
        by: caller.name().to_owned(),
        from: caller.from().map(|address| address.to_string()),
        outcome: Outcome::Done,
        code: None,
    }
}

/// A change of who may come in. Tickets are every user's own.
pub(super) fn of_access(caller: &Caller, command: &AccessCommand) -> Option<Entry> {
    let user = |id: &str| format!("user:{id}");
    let (tenant, act, target) = match command {
        AccessCommand::Revoke(revocation) => {
            let target = match &revocation.revoked {
                Revoked::Token(id) => format!("token:{id}"),
                Revoked::Subject { id, .. } => user(id),
            };
            (&revocation.tenant, Act::Revoke, target)
        }
        AccessCommand::Lift { tenant, id } => {
            (tenant, Act::LiftRevocation, format!("revocation:{id}"))
        }
        AccessCommand::PutUser { tenant, id, .. } => (tenant, Act::PutUser, user(id)),
        AccessCommand::SetDisabled { tenant, id, is_disabled: true } => {
            (tenant, Act::DisableUser, user(id))
        }
        AccessCommand::SetDisabled { tenant, id, is_disabled: false } => {
            (tenant, Act::EnableUser, user(id))
        }
        AccessCommand::DeleteUser { tenant, id } => (tenant, Act::DeleteUser, user(id)),
        AccessCommand::Recheck(touched) => {
            let target = match touched.topic.as_str() {
                "" => user(&touched.subject),
                topic => topic.to_owned(),
            };
            (&touched.tenant, Act::RecheckGrants, target)
        }
        AccessCommand::Disconnect { tenant, user_id, connection_id } => {
            (tenant, Act::Disconnect, format!("connection:{connection_id} user:{user_id}"))
        }
        AccessCommand::IssueTicket(_) | AccessCommand::SpendTicket { .. } => return None,
    };
    Some(entry(caller, tenant, act, target))
}

/// Commits a command that is told of, if there is an entry.
pub(super) async fn commit<T, F>(
    log: &Log,
    entry: Option<Entry>,
    command: Command,
    commit: impl FnOnce(Command) -> F,
) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let trace = command.trace;
    let outcome = commit(with(entry.clone(), command)).await;
    if let Some(refused) = entry.and_then(|entry| refusal(entry, &outcome)) {
        tell_refused(log, &refused, trace).await;
    }
    outcome
}

/// A command that is told of in its own commit, if there is an entry.
pub(super) fn with(entry: Option<Entry>, command: Command) -> Command {
    let Some(entry) = entry else { return command };
    let action = Action::Audited { action: Box::new(command.action), entry: Box::new(entry) };
    Command { action, ..command }
}

/// What an act is told as that came to this, if it was refused.
pub(super) fn refusal<T>(entry: Entry, outcome: &Result<T, Error>) -> Option<Entry> {
    match outcome {
        Err(error @ Error::Refused(_)) => Some(entry.refused(code(error).as_str())),
        Ok(_) | Err(_) => None,
    }
}

/// Tells of a refusal. Nothing was done: that it cannot be told is no reason to answer otherwise.
pub(super) async fn tell_refused(log: &Log, refused: &Entry, trace: Option<TraceId>) {
    if let Err(error) = tell(log, refused, trace).await {
        tracing::error!(%error, "a refused act of an operator could not be told");
    }
}

/// Tells of an act that is no commit of its own.
pub(super) async fn tell(log: &Log, entry: &Entry, trace: Option<TraceId>) -> Result<(), Error> {
    let Append { topic, events } = commit::audit_append(entry)?;
    let action = Action::Publish { topic, events, expected_offset: None };
    log.commit(Command { action, idempotency: None, trace }).await.map(drop)
}
