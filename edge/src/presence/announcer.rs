//! Says to the core who is here, until the edge ends.

use std::time::Duration;

use roomcast_proto::v1::{self, AnnouncePresenceRequest};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{
    Place, Presence,
    parts::{Part, Parts},
};
use crate::{
    auth::Caller,
    connections::Connections,
    upstream::{Backoff, Upstream},
};

/// Who comes or goes within this is told in one call: a page that opens joins several topics, and a
/// room that fills does so in bursts.
const GATHERING: Duration = Duration::from_millis(20);
/// Users of one call: the contract's limit.
const BATCH_MAX: usize = 1000;
/// Parts of one call: the contract's limit.
const PARTS_OF_CALL: usize = 16;
/// Until the core says how often: two beats that are lost do not lose the lease of 15 s.
const BEAT: Duration = Duration::from_secs(5);
/// A call that takes longer is given up: the beat after it must not come too late.
const CALL_DEADLINE: Duration = Duration::from_secs(4);
/// Saying at the end that everybody has gone: without it they are gone with the lease.
const FAREWELL_DEADLINE: Duration = Duration::from_secs(2);

pub(super) async fn run(
    presence: &Presence,
    connections: Connections,
    upstream: &Upstream,
    stop: &CancellationToken,
) {
    let mut announcer = Announcer::new(presence, connections, upstream);
    tracing::info!(edge_id = presence.edge_id(), "who is here is announced under this name");
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
    announcer.list_at = Instant::now();
    // Without an answer the core notices by itself, with the lease.
    let _ = timeout(FAREWELL_DEADLINE, announcer.tell()).await;
}

struct Announcer<'edge> {
    presence: &'edge Presence,
    connections: Connections,
    upstream: &'edge Upstream,
    /// The core that answered last: it holds what it was told.
    core_id: String,
    /// Of the last call.
    number: u64,
    beat: Duration,
    parts: Parts,
    /// When it is next looked who is connected.
    list_at: Instant,
}

impl<'edge> Announcer<'edge> {
    fn new(presence: &'edge Presence, connections: Connections, upstream: &'edge Upstream) -> Self {
        Self {
            presence,
            connections,
            upstream,
            core_id: String::new(),
            number: 0,
            beat: BEAT,
            parts: Parts::default(),
            list_at: Instant::now(),
        }
    }

    /// Tells all that has changed, and at least that the edge lives.
    async fn tell(&mut self) -> Result<(), Status> {
        let mut parts = self.changed_parts().await;
        let mut is_doubted = false;
        loop {
            let taken = self.presence.register().take(BATCH_MAX);
            let some: Vec<Part> = parts.drain(..parts.len().min(PARTS_OF_CALL)).collect();
            let is_all = taken.len() < BATCH_MAX && parts.is_empty();
            let answer = self.announce(&taken, &some).await;
            let places = {
                let mut register = self.presence.register();
                match &answer {
                    Ok(_) => register.told(taken),
                    Err(_) => register.untold(taken),
                }
                register.len()
            };
            metrics::gauge!("roomcast_edge_present").set(crate::gauge(places));
            let is_known = answer.inspect_err(|_| {
                self.list_at = Instant::now();
                some.iter().for_each(|part| self.parts.unanswered(part));
            })?;
            some.iter().for_each(|part| self.parts.told(part));
            match is_known {
                true if is_all => return Ok(()),
                true => {}
                false if is_doubted => {
                    return Err(Status::unavailable("the core has changed again"));
                }
                false => {
                    is_doubted = true;
                    self.presence.register().doubt();
                    self.parts.doubt();
                    self.list_at = Instant::now();
                    parts = self.changed_parts().await;
                }
            }
        }
    }

    /// What is to be told of who is connected: with a beat, since it may change all the time.
    async fn changed_parts(&mut self) -> Vec<Part> {
        if Instant::now() < self.list_at {
            return Vec::new();
        }
        self.list_at = Instant::now() + self.beat;
        let connections = self.connections.clone();
        // With thousands of sockets it would hold up what else this thread has to do.
        let all = tokio::task::spawn_blocking(move || Part::divide(connections.list())).await;
        self.parts.changed(all.unwrap_or_default())
    }

    /// One call. Answers whether the core knew all that this edge had said before it.
    async fn announce(&mut self, taken: &[(Place, u32)], parts: &[Part]) -> Result<bool, Status> {
        let presences = taken.iter().map(|(place, here)| v1::Presence {
            topic: place.topic.to_string(),
            tenant: place.tenant.to_string(),
            user_id: place.user_id.to_string(),
            connections: *here,
        });
        self.number += 1;
        let request = AnnouncePresenceRequest {
            edge_id: self.presence.edge_id().to_owned(),
            presences: presences.collect(),
            core_id: self.core_id.clone(),
            number: self.number,
            connections: parts.iter().map(Part::message).collect(),
        };
        let request = Caller::edge().request_within(request, CALL_DEADLINE);
        let answer = self.upstream.sessions().announce_presence(request).await?.into_inner();
        if let Some(beat) = answer.beat_interval.and_then(|beat| Duration::try_from(beat).ok()) {
            self.beat = beat.clamp(GATHERING, BEAT);
        }
        self.core_id = answer.core_id;
        Ok(answer.known)
    }
}
