//! Whether a user may stay connected: the token's time, and what the core says when rights change.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use prost_types::Timestamp;
use roomcast_identity::LEEWAY_MAX;
use roomcast_proto::{registry::Code, v1::CheckAccessRequest};
use roomcast_runtime::trace::TraceContext;
use tokio::time::{Instant, sleep, sleep_until};
use tonic::Status;

use super::{Rights, Session, rights::Hold};
use crate::upstream::{Caller, Upstream, is_refusal};

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

/// What the core has said of a user.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// The rooms asked for that the user may read. Nothing where the core did not answer.
    pub(crate) rooms: Option<Vec<String>>,
    /// The right to them is to be asked for again by then.
    pub(crate) rooms_until: Option<Timestamp>,
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
    /// not answer the question stays open.
    pub(crate) async fn check(
        &mut self,
        rooms: &[&str],
        trace: TraceContext,
    ) -> Result<Answer, Refused> {
        let touches = self.hold.touches();
        let caller = Caller { session: Arc::clone(&self.session), trace, client: None };
        match ask(&caller, rooms, &self.rights, &self.upstream).await {
            Ok(answer) => {
                self.hold.settle(touches);
                Ok(answer)
            }
            Err(status) if is_refusal(&status) => Err(Refused::from(&status)),
            Err(_) => {
                self.hold.touch();
                self.ask_at = Instant::now() + RETRY;
                Ok(Answer::default())
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
) -> Result<Answer, Status> {
    if caller.session.token().is_none() && rooms.is_empty() {
        return Ok(Answer { rooms: Some(Vec::new()), rooms_until: None });
    }
    let _turn = rights.turn().await;
    let rooms = rooms.iter().map(|room| String::from(*room)).collect();
    let request = caller.request_within(CheckAccessRequest { rooms }, CHECK_DEADLINE);
    let answer = upstream.access().check_access(request).await?.into_inner();
    Ok(Answer { rooms: Some(answer.rooms), rooms_until: answer.expire_time })
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
