//! Connection state recovery as Socket.IO's own clients know it: `pid` and `offset`. No edge keeps
//! anything for it.
//!
//! Every event that a recovering socket gets ends with an *offset*: the [`Vector`] of the cursors of all
//! its topics at that moment. The client hands the last one back when it connects again, at this edge
//! or another, before or after restarts; every topic in it is joined again with its cursor and its
//! right is decided anew. Only when all of them go on without a gap is the client told its old
//! [`pid`], which is how it knows that it was recovered.
//!
//! ```text
//!  client: CONNECT {token, recover, pid, offset} ─▶ token ─▶ pid its user's? offset ours? ─▶ join all
//!     all resumed: the same pid, then what was missed, then live
//!     else: a new pid; resets, and what is refused is said
//! ```
//!
//! A topic that the core cannot be asked for stays in the vector, and is joined once it can.
//!
//! An entry without a cursor is a topic whose snapshot the client may not have: it is joined afresh.

mod pid;

use futures::future::join_all;
use roomcast_identity::User;
use serde::Deserialize;
use serde_json::Value;
use tonic::Status;

use super::{
    refusal::Refusal,
    subscriptions::Topics,
    vector::{Vector, sealed},
};
use crate::feed;

/// What a socket that recovers begins with.
#[derive(Debug, Default)]
pub(super) struct Recovery {
    pub(super) pid: String,
    /// All that the client had goes on without a gap.
    pub(super) is_whole: bool,
    /// Each with the cursor that it was joined after.
    pub(super) joined: Vec<(Option<String>, feed::Joined)>,
    /// Of which nothing was decided.
    pub(super) undecided: Topics,
    /// Why others could not be joined again.
    pub(super) refused: Vec<Refusal>,
}

/// What the client shows of its last connection.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Claim {
    /// Of any kind: a client may send what it took for one.
    pid: Option<Value>,
    offset: Option<Value>,
    connection_id: Option<Value>,
}

impl Recovery {
    /// Joins what the claim names, if it is one of this user's; `join` asks for a topic after a cursor.
    pub(super) async fn attempt<J>(
        claim: &Claim,
        user: &User,
        join: impl Fn(String, Option<String>) -> J,
    ) -> Self
    where
        J: Future<Output = Result<feed::Joined, Status>>,
    {
        let Some((pid, vector)) = claim.read(user) else { return Self::fresh(user) };
        let joins = vector.into_topics().into_iter().map(|(topic, cursor)| {
            let since = (!cursor.is_empty()).then_some(cursor);
            let join = join(topic.clone(), since.clone());
            async move { (topic, since, join.await) }
        });
        let mut recovery = Self { pid, is_whole: true, ..Self::default() };
        for (topic, since, outcome) in join_all(joins).await {
            match outcome.map_err(|status| Refusal::of_topic(&status, &topic)) {
                Ok(joined) => {
                    recovery.is_whole &= joined.response.resumed || since.is_none();
                    recovery.joined.push((since, joined));
                }
                Err(refusal) => {
                    recovery.is_whole = false;
                    if refusal.is_retryable() {
                        recovery.undecided.insert(topic, since);
                    } else {
                        recovery.refused.push(refusal);
                    }
                }
            }
        }
        if !recovery.is_whole {
            recovery.pid = pid::mint(&user.tenant, &user.id);
        }
        let outcome = if recovery.is_whole { "recovered" } else { "reset" };
        metrics::counter!("roomcast_edge_recoveries_total", "outcome" => outcome).increment(1);
        recovery
    }

    fn fresh(user: &User) -> Self {
        metrics::counter!("roomcast_edge_recoveries_total", "outcome" => "fresh").increment(1);
        Self { pid: pid::mint(&user.tenant, &user.id), ..Self::default() }
    }
}

impl Claim {
    /// What the client's last connection goes by.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        [&self.connection_id, &self.pid].into_iter().flatten().filter_map(Value::as_str)
    }

    /// None where it is not one of ours for this user: clients also send what they took for an offset.
    fn read(&self, user: &User) -> Option<(String, Vector)> {
        let pid =
            self.pid.as_ref()?.as_str().filter(|pid| pid::is_of(pid, &user.tenant, &user.id))?;
        let vector = self.offset.as_ref()?.as_str().and_then(Vector::parse)?;
        Some((pid.to_owned(), vector))
    }
}

/// For [`crate::probe`]: an `auth`, or the body of an offset. A private id is of one user at most; what is taken
/// for an offset of ours comes back as it was and is within its bounds.
pub(crate) fn probe(text: &str) {
    let user = User::dev();
    let other = User { id: "other".to_owned(), ..User::dev() };
    if let Ok(claim) = serde_json::from_str::<Claim>(text) {
        assert!(claim.read(&user).is_none() || claim.read(&other).is_none(), "one id, two users");
    }
    for offset in [text.to_owned(), sealed(text)] {
        let Some(vector) = Vector::parse(&offset) else { continue };
        assert!(vector.is_recoverable());
        assert_eq!(Vector::parse(&vector.offset()), Some(vector), "{offset}");
    }
}
