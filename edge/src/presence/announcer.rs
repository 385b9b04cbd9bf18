//! Says to the core who is here, until the edge ends.

use std::time::Duration;

use roomcast_proto::v1::{self, AnnouncePresenceRequest};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{Place, Presence};
use crate::upstream::{Backoff, Caller, Sessions, Upstream};

/// Who comes or goes within this is told in one call: a page that opens joins several topics, and a
/// room that fills does so in bursts.
const GATHERING: Duration = Duration::from_millis(20);
/// Users of one call: the contract's limit.
const BATCH_MAX: usize = 1000;
/// Until the core says how often: two beats that are lost do not lose the lease of 15 s.
const BEAT: Duration = Duration::from_secs(5);
/// A call that takes longer is given up: the beat after it must not come too late.
const CALL_DEADLINE: Duration = Duration::from_secs(4);
/// Saying at the end that everybody has gone: without it they are gone with the lease.
const FAREWELL_DEADLINE: Duration = Duration::from_secs(2);

pub(super) async fn run(presence: &Presence, upstream: &Upstream, stop: &CancellationToken) {
    let mut announcer = Announcer::new(presence, upstream);
    let mut backoff = Backoff::default();
    while !stop.is_cancelled() {
        let told = announcer.tell().await;
        let pause = match &told {
            Ok(()) => {
                backoff.reset();
                announcer.beat
            }
            Err(status) => {
                tracing::debug!(code = ?status.code(), "presence waits for the core");
                announcer.sessions = upstream.sessions();
                backoff.wait()
            }
        };
        let until = Instant::now() + pause;
        tokio::select! {
            () = stop.cancelled() => {}
            () = presence.0.news.notified(), if told.is_ok() => sleep(GATHERING).await,
            () = sleep_until(until) => {}
        }
    }
    presence.register().leave_all();
    // Without an answer the core notices by itself, with the lease.
    let _ = timeout(FAREWELL_DEADLINE, announcer.tell()).await;
}

struct Announcer<'edge> {
    presence: &'edge Presence,
    /// One core as long as it answers: it holds what it was told.
    sessions: Sessions,
    /// Names this process: another one begins with nobody.
    edge_id: String,
    beat: Duration,
}

impl<'edge> Announcer<'edge> {
    fn new(presence: &'edge Presence, upstream: &Upstream) -> Self {
        let edge_id = uuid::Uuid::now_v7().simple().to_string();
        Self { presence, sessions: upstream.sessions(), edge_id, beat: BEAT }
    }

    /// Tells all that has changed, and at least that the edge lives.
    async fn tell(&mut self) -> Result<(), Status> {
        let mut is_doubted = false;
        loop {
            let taken = self.presence.register().take(BATCH_MAX);
            let is_all = taken.len() < BATCH_MAX;
            let answer = self.announce(&taken).await;
            let places = {
                let mut register = self.presence.register();
                match &answer {
                    Ok(_) => register.told(taken),
                    Err(_) => register.untold(taken),
                }
                register.len()
            };
            metrics::gauge!("roomcast_edge_present").set(crate::gauge(places));
            match answer? {
                true if is_all => return Ok(()),
                true => {}
                false if is_doubted => return Err(Status::unavailable("the core is not ready")),
                false => {
                    self.presence.register().doubt();
                    is_doubted = true;
                }
            }
        }
    }

    /// One call. Answers whether the core knew of this edge before it.
    async fn announce(&mut self, taken: &[(Place, u32)]) -> Result<bool, Status> {
        let presences = taken.iter().map(|(place, here)| v1::Presence {
            topic: place.topic.to_string(),
            tenant: place.tenant.to_string(),
            user_id: place.user_id.to_string(),
            connections: *here,
        });
        let edge_id = self.edge_id.clone();
        let request = AnnouncePresenceRequest { edge_id, presences: presences.collect() };
        let request = Caller::edge().request_within(request, CALL_DEADLINE);
        let answer = self.sessions.announce_presence(request).await?.into_inner();
        if let Some(beat) = answer.beat_interval.and_then(|beat| Duration::try_from(beat).ok()) {
            self.beat = beat.clamp(GATHERING, BEAT);
        }
        Ok(answer.known)
    }
}
