//! Whether a user may stay connected: the token's time, and what the core says when rights change.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use prost_types::Timestamp;
use roomcast_identity::LEEWAY_MAX;
use roomcast_proto::{registry::Code, v1::CheckAccessRequest};
use roomcast_runtime::trace::TraceContext;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tonic::Status;

use super::{Caller, Rights, Session, rights::Hold};
use crate::upstream::{Upstream, is_refusal};

/// A client learns this long before that its token's time will be over.
const EXPIRY_WARNING: Duration = Duration::from_secs(60);
/// Between two questions while the core does not answer.
const RETRY: Duration = Duration::from_secs(1);
/// Longest wait for the core's word: within the five seconds in which a lost right ends.
const CHECK_DEADLINE: Duration = Duration::from_secs(3);

/// One user's standing at this edge.
#[derive(Debug)]
pub(crate) struct Standing {
    session: Arc<Session>,
    upstream: Upstream,
    hold: Hold,
    rights: Rights,
    ask_at: Instant,
    /// The end that was warned of.
    warned_of: Option<u64>,
}

/// What has become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    /// The token's time will be over then, in Unix seconds.
    Expiring(u64),
    /// The token's time is over.
    Expired,
    /// The core is to be asked: [`Standing::check`].
    Doubtful,
}

/// Why a user may not stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) code: Code,
    pub(crate) message: String,
}

/// The rooms that a user may read, of those the core was asked for.
#[derive(Debug)]
pub(crate) struct Readable {
    pub(crate) rooms: Vec<String>,
    /// When it was asked.
    pub(crate) asked_at: Instant,
    /// The right to them is to be asked for again by then.
    pub(crate) until: Option<Timestamp>,
}

impl Standing {
    pub(crate) fn new(session: Arc<Session>, rights: &Rights, upstream: Upstream) -> Self {
        let (hold, rights) = (rights.hold(&session, None), rights.clone());
        Self { session, upstream, hold, rights, ask_at: Instant::now(), warned_of: None }
    }

    /// Waits for news. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Notice {
        let Some(expires_at) = self.session.expires_at() else {
            self.doubtful().await;
            return Notice::Doubtful;
        };
        let end = UNIX_EPOCH.checked_add(Duration::from_secs(expires_at));
        tokio::select! {
            () = self.doubtful() => Notice::Doubtful,
            // The core takes it for so long, since clocks differ.
            () = until(end.and_then(|end| end.checked_add(LEEWAY_MAX))) => Notice::Expired,
            () = until(end.and_then(|end| end.checked_sub(EXPIRY_WARNING))),
                if self.warned_of != Some(expires_at) =>
            {
                self.warned_of = Some(expires_at);
                Notice::Expiring(expires_at)
            }
        }
    }

    /// Asks the core whether the user may stay, and which of these rooms the user may read. Where it does
    /// not answer the question stays open, and nothing comes back.
    pub(crate) async fn check(
        &mut self,
        rooms: &[&str],
        trace: TraceContext,
    ) -> Result<Option<Readable>, Refused> {
        let touches = self.hold.touches();
        let caller = Caller { session: Arc::clone(&self.session), trace, client: None };
        match ask(&caller, rooms, &self.rights, &self.upstream).await {
            Ok(readable) => {
                self.hold.settle(touches);
                Ok(Some(readable))
            }
            Err(status) if is_refusal(&status) => Err(Refused::from(&status)),
            Err(_) => {
                self.hold.touch();
                self.ask_at = Instant::now() + RETRY;
                Ok(None)
            }
        }
    }

    /// Goes on under a fresh token of the same user.
    pub(crate) async fn renew(
        &mut self,
        fresh: &Arc<Session>,
        trace: TraceContext,
    ) -> Result<Option<u64>, Refused> {
        if !fresh.is_of_user_of(&self.session) {
            return Err(Refused::of(Code::TokenMismatch));
        }
        let caller = Caller { session: Arc::clone(fresh), trace, client: None };
        ask(&caller, &[], &self.rights, &self.upstream)
            .await
            .map_err(|status| Refused::from(&status))?;
        self.rights.replace_token(&self.session, fresh);
        Ok(self.session.expires_at())
    }

    async fn doubtful(&self) {
        self.hold.touched().await;
        sleep_until(self.ask_at).await;
    }
}

async fn ask(
    caller: &Caller,
    rooms: &[&str],
    rights: &Rights,
    upstream: &Upstream,
) -> Result<Readable, Status> {
    if caller.session.token().is_none() && rooms.is_empty() {
        return Ok(Readable { rooms: Vec::new(), asked_at: Instant::now(), until: None });
    }
    let rooms = rooms.iter().map(|room| String::from(*room)).collect();
    let asked = async {
        let _turn = rights.turn().await;
        let asked_at = Instant::now();
        let request = caller.request_within(CheckAccessRequest { rooms }, CHECK_DEADLINE);
        let answer = upstream.access().check_access(request).await?.into_inner();
        Ok(Readable { rooms: answer.rooms, asked_at, until: answer.expire_time })
    };
    // A turn is waited for within it as well: whoever asks does nothing else meanwhile.
    let late = |_| Code::DeadlineExceeded.status("the core has not said whether the user may stay");
    timeout(CHECK_DEADLINE, asked).await.map_err(late)?
}

/// Waits until a moment; for ever where it lies outside of time.
async fn until(moment: Option<SystemTime>) {
    let Some(moment) = moment else { return std::future::pending().await };
    let wait = moment.duration_since(SystemTime::now()).unwrap_or_default();
    sleep(wait).await;
}

impl Refused {
    pub(crate) fn of(code: Code) -> Self {
        Self { code, message: code.entry().cause.to_owned() }
    }
}

impl From<&Status> for Refused {
    fn from(status: &Status) -> Self {
        Self { code: Code::of(status), message: status.message().to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use roomcast_client::Tls;
    use roomcast_identity::User;

    use super::{super::rights::RENEWALS_MAX, *};
    use crate::upstream::Credential;

    #[tokio::test]
    async fn a_question_that_gets_no_turn_stays_open_and_holds_nobody_up() {
        let rights = Rights::default();
        let _turns = join_all((0..RENEWALS_MAX).map(|_| rights.turn())).await;
        let session = Arc::new(Session::of_token(&User::dev(), "a token"));
        let nowhere = ["http://127.0.0.1:1".to_owned()];
        let upstream = Upstream::new(&nowhere, &Tls::default(), Credential::none()).unwrap();
        let mut standing = Standing::new(session, &rights, upstream);
        let checked = timeout(CHECK_DEADLINE * 2, standing.check(&[], TraceContext::generate()));
        assert!(checked.await.expect("it has a deadline").unwrap().is_none());
    }
}
