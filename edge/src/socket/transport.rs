//! Which TCP connection carries a socket, and which sessions are over.
//!
//! Socket.IO offers no way to end one session's transport. A WebSocket is ended by its connection; a
//! polling session by its waiting poll and by knowing it no more: clients take both as a lost
//! connection and come back by themselves, which they do not after a namespace's disconnect.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use axum::{
    extract::Request,
    response::{IntoResponse as _, Response},
};
use http::{StatusCode, header};
use socketioxide_core::Sid;
use tokio::time::Instant;

use crate::lane::{KillReason, Lane};

/// A session that was ended is refused for this long: longer than Engine.IO itself keeps it, which is
/// until a ping was not answered.
const ENDED_FOR: Duration = Duration::from_secs(60);
/// What is gone is swept when so many entries were added since.
const SWEEP_EVERY: usize = 1024;

/// Connections by Engine.IO session. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Transports(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    carriers: HashMap<Sid, Carrier>,
    ended: HashMap<Sid, Instant>,
    added: usize,
}

/// What carries a session that began with polling.
#[derive(Debug, Default)]
struct Carrier {
    upgraded: Option<Weak<Lane>>,
    poll: Option<Weak<Lane>>,
}

impl Transports {
    /// Notes which connection a request of an existing session came by. A session that is over gets
    /// Engine.IO's own answer for one that it does not know.
    pub(super) fn admit(&self, request: &Request) -> Result<(), Box<Response>> {
        let Some(sid) = request.uri().query().and_then(sid) else { return Ok(()) };
        let mut table = self.lock();
        if table.ended.contains_key(&sid) {
            let json = [(header::CONTENT_TYPE, "application/json")];
            let body = r#"{"code":1,"message":"Session ID unknown"}"#;
            return Err(Box::new((StatusCode::BAD_REQUEST, json, body).into_response()));
        }
        if let Some(lane) = request.extensions().get::<Arc<Lane>>() {
            table.sweep();
            let carrier = table.carriers.entry(sid).or_default();
            let lane = Some(Arc::downgrade(lane));
            if request.headers().contains_key(header::UPGRADE) {
                carrier.upgraded = lane;
            } else if request.method() == http::Method::GET {
                carrier.poll = lane;
            }
        }
        Ok(())
    }

    /// Ends a session that began with polling.
    pub(super) fn kill(&self, sid: Sid, reason: KillReason) {
        let mut table = self.lock();
        table.ended.insert(sid, Instant::now());
        let carrier = table.carriers.remove(&sid).unwrap_or_default();
        let upgraded = carrier.upgraded.and_then(|lane| lane.upgrade());
        let poll = carrier.poll.and_then(|lane| lane.upgrade());
        // The poll's connection may serve somebody else by now, behind a proxy: it is ended only where
        // it is the carrier.
        if let Some(lane) = upgraded.or(poll) {
            lane.kill(reason);
        }
    }

    /// The WebSocket that carries a session which began with polling, once it does.
    pub(super) fn carrier(&self, sid: Sid) -> Option<Arc<Lane>> {
        let upgraded = self.lock().carriers.get(&sid)?.upgraded.as_ref()?.upgrade()?;
        upgraded.is_carrying().then_some(upgraded)
    }

    /// The session has ended by itself.
    pub(super) fn forget(&self, sid: Sid) {
        self.lock().carriers.remove(&sid);
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn sweep(&mut self) {
        self.added += 1;
        if self.added < SWEEP_EVERY {
            return;
        }
        self.added = 0;
        let lives =
            |lane: &Option<Weak<Lane>>| lane.as_ref().is_some_and(|lane| lane.strong_count() > 0);
        self.carriers.retain(|_, carrier| lives(&carrier.upgraded) || lives(&carrier.poll));
        self.ended.retain(|_, since| since.elapsed() < ENDED_FOR);
    }
}

fn sid(query: &str) -> Option<Sid> {
    query.split('&').find_map(|pair| pair.strip_prefix("sid="))?.parse().ok()
}
