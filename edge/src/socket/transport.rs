//! Engine.IO sessions: whose they are, and which TCP connection carries them.
//!
//! Socket.IO offers no way to end one session's transport. A WebSocket is ended by its connection; a
//! polling session by its waiting poll and by knowing it no more: clients take both as a lost
//! connection and come back by themselves, which they do not after a namespace's disconnect.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::extract::Request;
use http::{Method, header};
use roomcast_identity::User;
use socketioxide_core::Sid;

use super::{allowance::Allowance, owner::Owner};
use crate::{
    lane::{Greeting, KillReason, Lane},
    listener::{Caps, Held, Network},
};

/// Sessions that have ended are swept when so many have begun since.
const SWEEP_EVERY: usize = 1024;
/// Events and acknowledgements in one answer to a poll. python-socketio's clients give up on an answer
/// with more than 16 packets, however often they come back; Engine.IO may add a ping, a CONNECT reply
/// and the end of an upgrade's last poll.
const POLL_PACKETS_MAX: usize = 13;

/// A user of a tenant.
type UserKey = (String, String);

/// How many sockets each user may have. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Users(Caps<UserKey>);

impl Users {
    pub(super) fn new(each: usize) -> Self {
        Self(Caps::new(each))
    }
}

/// One session, from the request that opened it on. Engine.IO keeps that request for as long as the
/// session lives, and this with it.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) owner: Owner,
    /// Where the client was when it was opened.
    address: Option<IpAddr>,
    /// What its CONNECT replies say.
    pub(super) greeting: Arc<Greeting>,
    place: Mutex<Place>,
    carriers: Mutex<Carriers>,
    /// What its sockets may emit, together.
    allowance: OnceLock<Arc<Allowance>>,
    /// Events and acknowledgements that wait for the next poll.
    unpolled: AtomicUsize,
    /// Sockets that are in: one of each namespace.
    sockets: AtomicUsize,
}

/// A socket of a session, for as long as it is in.
#[derive(Debug)]
pub(super) struct Seat(Arc<Session>);

/// Whose allowance a session counts against.
#[derive(Debug)]
#[allow(dead_code, reason = "a place is held, and given back when it is dropped")]
enum Place {
    /// It has shown no token yet.
    Address(Held<Network>),
    User(Held<UserKey>),
}

/// The connections that a session's requests come by.
#[derive(Debug, Default)]
struct Carriers {
    upgraded: Option<Weak<Lane>>,
    poll: Option<Weak<Lane>>,
    /// What tells the last poll from the one before: clients give each request a mark of its own.
    last_poll: Option<String>,
}

impl Session {
    pub(super) fn new(owner: Owner, address: Option<IpAddr>, pending: Held<Network>) -> Self {
        let place = Mutex::new(Place::Address(pending));
        Self {
            owner,
            address,
            greeting: Arc::default(),
            place,
            carriers: Mutex::default(),
            allowance: OnceLock::new(),
            unpolled: AtomicUsize::new(0),
            sockets: AtomicUsize::new(0),
        }
    }

    /// A socket has come in.
    pub(super) fn seat(self: &Arc<Self>) -> Seat {
        self.sockets.fetch_add(1, Ordering::AcqRel);
        Seat(Arc::clone(self))
    }

    /// It has shown a token, and counts as its user's from here on. Answers whether the user may have
    /// one more. Further namespaces of a session are not counted again.
    pub(super) fn confirm(&self, users: &Users, user: &User) -> bool {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*place, Place::User(_)) {
            return true;
        }
        let held = users.0.hold((user.tenant.clone(), user.id.clone()));
        let is_held = held.is_some();
        if let Some(held) = held {
            *place = Place::User(held);
        }
        is_held
    }

    /// What its sockets may emit: whoever comes first says how much.
    pub(super) fn allowance(&self, first: impl FnOnce() -> Allowance) -> Arc<Allowance> {
        Arc::clone(self.allowance.get_or_init(|| Arc::new(first())))
    }

    /// Notes which connection a request comes by.
    pub(super) fn note(&self, request: &Request) {
        let Some(lane) = request.extensions().get::<Arc<Lane>>() else { return };
        if request.headers().contains_key(header::UPGRADE) {
            lane.greet(&self.greeting);
        }
        let lane = Some(Arc::downgrade(lane));
        let mut carriers = self.carriers();
        if request.headers().contains_key(header::UPGRADE) {
            // Engine.IO turns a second WebSocket away: the first goes on carrying.
            if !carriers.upgraded().is_some_and(|first| first.is_carrying()) {
                carriers.upgraded = lane;
            }
        } else if request.method() == Method::GET {
            carriers.poll = lane;
        }
    }

    /// Whether a poll is the last one, asked again. Browsers and aiohttp do that by themselves when a
    /// connection breaks before they have seen the answer: what was in it is lost.
    pub(super) fn is_asked_again(&self, request: &Request) -> bool {
        let mut marks = request.uri().query().unwrap_or_default().split('&');
        let Some(mark) = marks.find_map(|pair| pair.strip_prefix("t=")) else { return false };
        let last = self.carriers().last_poll.replace(mark.to_owned());
        last.is_some_and(|last| last == mark)
    }

    /// Takes room for a packet in the next poll's answer. Answers whether there was any; what a
    /// WebSocket carries needs none.
    fn admit(&self) -> bool {
        if self.carriers().upgraded().is_some() {
            return true;
        }
        let more = |waiting| (waiting < POLL_PACKETS_MAX).then_some(waiting + 1);
        self.unpolled.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_ok()
    }

    /// So many packets do not wait any more.
    pub(super) fn release(&self, packets: usize) {
        let less = |waiting: usize| Some(waiting.saturating_sub(packets));
        // It always updates.
        let _ = self.unpolled.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
    }

    fn carriers(&self) -> MutexGuard<'_, Carriers> {
        self.carriers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Where the client was when its session was opened.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.0.address
    }

    /// Whether the session has no other socket.
    pub(super) fn is_alone(&self) -> bool {
        self.0.sockets.load(Ordering::Acquire) == 1
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.sockets.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Carriers {
    fn upgraded(&self) -> Option<Arc<Lane>> {
        self.upgraded.as_ref()?.upgrade()
    }

    /// The poll's connection may serve somebody else by now, behind a proxy: it is the carrier only
    /// where no WebSocket is.
    fn current(&self) -> Option<Arc<Lane>> {
        self.upgraded().or_else(|| self.poll.as_ref()?.upgrade())
    }
}

/// Sessions that began with polling, by their ids. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Transports(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    sessions: HashMap<Sid, Weak<Session>>,
    added: usize,
}

impl Transports {
    pub(super) fn add(&self, sid: Sid, session: &Arc<Session>) {
        let mut table = self.lock();
        table.sweep();
        table.sessions.insert(sid, Arc::downgrade(session));
    }

    /// The session of this id. Ids that were not given out to polling clients are not known: those of
    /// WebSockets have no business in a request.
    pub(super) fn find(&self, sid: Sid) -> Option<Arc<Session>> {
        self.lock().sessions.get(&sid)?.upgrade()
    }

    /// Ends a session that began with polling.
    pub(super) fn kill(&self, sid: Sid, reason: KillReason) {
        let lane = self.remove(sid).and_then(|session| session.carriers().current());
        if let Some(lane) = lane {
            lane.kill(reason);
        }
    }

    /// The WebSocket that carries a session which began with polling, once it does.
    pub(super) fn carrier(&self, sid: Sid) -> Option<Arc<Lane>> {
        let upgraded = self.find(sid)?.carriers().upgraded()?;
        upgraded.is_carrying().then_some(upgraded)
    }

    /// Takes room for one packet of a session that polls. Answers whether there was any: all that
    /// wait go into one answer.
    pub(super) fn admit(&self, sid: Sid) -> bool {
        self.find(sid).is_none_or(|session| session.admit())
    }

    /// A packet that was admitted was not queued.
    pub(super) fn release(&self, sid: Sid) {
        if let Some(session) = self.find(sid) {
            session.release(1);
        }
    }

    /// A socket has gone. Its session may go on without it.
    pub(super) fn forget(&self, sid: Sid) {
        let mut table = self.lock();
        if table.sessions.get(&sid).is_some_and(|session| session.strong_count() == 0) {
            table.sessions.remove(&sid);
        }
    }

    /// The session is known no more.
    pub(super) fn remove(&self, sid: Sid) -> Option<Arc<Session>> {
        self.lock().sessions.remove(&sid)?.upgrade()
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn sweep(&mut self) {
        self.added += 1;
        if self.added >= SWEEP_EVERY {
            self.added = 0;
            self.sessions.retain(|_, session| session.strong_count() > 0);
        }
    }
}
