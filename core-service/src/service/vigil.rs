//! A user's stream lasts as long as the user is let in and, where it follows a topic, may read it.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use roomcast_identity::{LEEWAY_MAX, User};
use roomcast_proto::registry::Code;
use tonic::Status;

use super::right;
use crate::auth::{Caller, Door};
use crate::domain::right::Trail;
use crate::domain::time::Time;
use crate::domain::topic::Topic;
use crate::log::{Log, now};

/// Between two tries when the store cannot be read.
const RETRY: Duration = Duration::from_millis(250);

/// Who follows what.
pub(super) struct Vigil {
    pub(super) log: Log,
    pub(super) door: Arc<Door>,
    pub(super) caller: Caller,
    /// None of work: the right to it stands in the token.
    pub(super) topic: Option<Topic>,
}

/// Why a stream ends before its time.
#[derive(Debug)]
pub(super) enum Loss {
    /// The right to the topic is gone.
    Right,
    /// The caller is let in no more.
    Caller(Status),
}

impl From<Loss> for Status {
    fn from(loss: Loss) -> Status {
        match loss {
            Loss::Right => Code::PermissionDenied.status("the right to this is gone"),
            Loss::Caller(status) => status,
        }
    }
}

impl Vigil {
    /// Waits until the stream must end. What a service may stands in its token alone, and was read.
    pub(super) async fn lost(self) -> Loss {
        let Some(user) = self.caller.user() else { return pending().await };
        tokio::select! {
            loss = self.taken(user) => loss,
            () = expired(user) => Loss::Caller(Code::TokenExpired.status("the token has expired")),
        }
    }

    /// Asks anew whenever rights have changed.
    async fn taken(&self, user: &User) -> Loss {
        let mut changes = self.log.attach(&Topic::access());
        loop {
            // Before asking, so that no change falls between. Not from the store: with every change all
            // streams would ask at once, and the pulse of rights wait behind them.
            let head = changes.head();
            self.door.access().reached(head).await;
            if let Err(denied) = self.door.access().judge(user, now(), &mut Trail::none()) {
                return Loss::Caller(denied);
            }
            match self.may_go_on().await {
                Ok(true) => changes.wait(head).await,
                Ok(false) => return Loss::Right,
                Err(_) => tokio::time::sleep(RETRY).await,
            }
        }
    }

    async fn may_go_on(&self) -> Result<bool, Status> {
        let Some(topic) = &self.topic else { return Ok(true) };
        let rules = (&self.log, &*self.door);
        right::may_read(rules, &self.caller, topic, &mut Trail::none()).await
    }
}

/// Waits until a user's token is taken no more.
async fn expired(user: &User) {
    match end(user) {
        Some(end) => tokio::time::sleep(end.since(now())).await,
        None => pending().await,
    }
}

/// The last moment at which a user's token is taken.
fn end(user: &User) -> Option<Time> {
    user.expires_at.map(|seconds| Time(seconds.saturating_mul(1000)) + LEEWAY_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_token_is_over_some_seconds_after_its_end() {
        let expiring = |expires_at| User { expires_at, ..User::dev() };
        let leeway = LEEWAY_MAX.as_secs();
        assert_eq!(end(&expiring(Some(60))), Some(Time((60 + leeway) * 1000)));
        assert_eq!(end(&expiring(None)), None);
        let long_ago = now().0 / 1000 - leeway - 1;
        expired(&expiring(Some(long_ago))).await;
    }
}
