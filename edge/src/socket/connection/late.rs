//! Topics that a client named when it came, and that the core could not be asked for then. Such a client
//! waits for nothing and asks no more, so the edge does, until the core has decided.

use std::collections::BTreeMap;

use tokio::time::{Instant, sleep_until};

use super::{Connection, Failure, Gone, Held};
use crate::upstream::Backoff;

/// Each with the cursor of the last event that the client has, if it has any.
pub(super) type Topics = BTreeMap<String, Option<String>>;

/// What is still to be joined, and when.
#[derive(Debug)]
pub(super) struct Late {
    topics: Topics,
    backoff: Backoff,
    at: Instant,
}

/// Waits until the core is to be asked again.
pub(super) async fn is_due(late: Option<&Late>) {
    match late {
        Some(late) => sleep_until(late.at).await,
        None => std::future::pending().await,
    }
}

impl Held {
    /// A topic that was left is not joined later.
    pub(super) fn forget_late(&mut self, topic: &str) {
        if let Some(late) = &mut self.late {
            late.topics.remove(topic);
        }
    }
}

impl Connection {
    /// Joins what is late, as far as the core answers.
    pub(super) async fn join_late(&self, held: &mut Held) -> Result<(), Gone> {
        match held.late.take() {
            Some(late) => self.join_all(held, late.topics, late.backoff).await,
            None => Ok(()),
        }
    }

    /// Joins topics one after the other. Those that nothing is decided of are left for later.
    pub(super) async fn join_all(
        &self,
        held: &mut Held,
        topics: Topics,
        mut backoff: Backoff,
    ) -> Result<(), Gone> {
        let mut undecided = Topics::new();
        for (topic, cursor) in topics {
            if held.subscriptions.has(&topic) {
                continue;
            }
            match self.enter(held, &topic, cursor.as_deref(), None).await {
                Ok(()) => {}
                Err(Failure::Gone) => return Err(Gone),
                Err(Failure::Refused(refusal)) if refusal.is_retryable() => {
                    undecided.insert(topic, cursor);
                }
                Err(Failure::Refused(refusal)) => refusal.tell(&self.outlet, None).await?,
            }
        }
        if !undecided.is_empty() {
            let at = Instant::now() + backoff.wait();
            held.late = Some(Box::new(Late { topics: undecided, backoff, at }));
        }
        Ok(())
    }
}
