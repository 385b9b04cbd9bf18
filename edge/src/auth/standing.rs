//! Whether a user may stay connected: the token's time, and what the core says when rights change.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

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

    /// Asks the core whether the user may stay. Where it does not answer the question stays open.
    pub(crate) async fn check(&mut self, trace: TraceContext) -> Result<(), Refused> {
        let touches = self.hold.touches();
        let caller = Caller { session: Arc::clone(&self.session), trace };
        match ask(&caller, &self.rights, &self.upstream).await {
            Ok(()) => {
                self.hold.settle(touches);
                Ok(())
            }
            Err(status) if is_refusal(&status) => Err(Refused::from(&status)),
            Err(_) => {
                self.hold.touch();
                self.ask_at = Instant::now() + RETRY;
                Ok(())
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
        let caller = Caller { session: Arc::clone(fresh), trace };
        ask(&caller, &self.rights, &self.upstream)
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

async fn ask(caller: &Caller, rights: &Rights, upstream: &Upstream) -> Result<(), Status> {
    if caller.session.token().is_none() {
        return Ok(());
    }
    let _turn = rights.turn().await;
    let request = caller.request_within(CheckAccessRequest {}, CHECK_DEADLINE);
    upstream.access().check_access(request).await.map(|_| ())
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
