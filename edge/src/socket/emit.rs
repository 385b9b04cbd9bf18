//! The only place that writes to sockets. A queue that is full is waited for: nothing is skipped.
//!
//! A WebSocket gets frames, through its connection's lane; a session that polls gets packets, through
//! Socket.IO's own queue. A session begins with packets. It changes over once, when all that was
//! queued before has passed the lane: for a WebSocket that is its CONNECT reply, for a session that was
//! upgraded a mark, which the lane takes out.
//!
//! What a recovering socket gets ends with an offset: see [`recover`](super::recover).

mod outgoing;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use serde::Serialize;
use socketioxide::SocketError;
use socketioxide_core::{
    Sid, Str,
    adapter::{BroadcastOptions, CoreAdapter as _},
    packet::Packet,
};
use tokio::time::{Instant, sleep};

use self::outgoing::{Outgoing, event};
use super::{
    adapter::RawAdapter, catalogue, payload::Recovering, transport::Transports, vector::Vector,
};
use crate::{
    feed::Sink,
    lane::{Frames, KillReason, Lane, MARK, Namespace},
    names::{Batch, Encoded},
};

/// A queue of packets that stays full for this long belongs to a peer that cannot keep up.
const SLOW_CONSUMER_DEADLINE: Duration = Duration::from_secs(15);
/// First and longest wait for a full queue of packets: the writer empties it in bursts.
const RETRY_FIRST: Duration = Duration::from_millis(1);
const RETRY_LONGEST: Duration = Duration::from_millis(50);

/// The socket has gone, or was ended for being slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the socket has gone")]
pub struct Gone;

/// Why a packet was not queued.
#[derive(Debug)]
pub(super) enum NotQueued {
    Full,
    Gone,
    /// The socket changes over to this lane.
    Changing(Arc<Lane>),
}

/// The way to one socket. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outlet(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    adapter: Arc<RawAdapter>,
    sid: Sid,
    namespace: Namespace,
    /// The socket's own connection, if it began as a WebSocket.
    direct: Option<Arc<Lane>>,
    /// Why it was ended by whoever writes to it.
    killed: OnceLock<KillReason>,
    transports: Transports,
    /// The socket has left its namespace.
    is_shut: AtomicBool,
    /// Where everything goes, once it may.
    lane: OnceLock<Arc<Lane>>,
    /// The lane whose mark is queued: no packet may follow it.
    changing: Mutex<Option<Arc<Lane>>>,
    /// Since when the queue of packets has been full, over all who write.
    full_since: Mutex<Option<Instant>>,
    /// What a client that recovers has of each topic.
    vector: OnceLock<Mutex<Vector>>,
}

impl Outlet {
    pub(super) fn new(
        adapter: Arc<RawAdapter>,
        (namespace, sid): (Namespace, Sid),
        direct: Option<Arc<Lane>>,
        transports: Transports,
    ) -> Self {
        if let Some(lane) = direct.as_ref().filter(|lane| lane.takes_frames()) {
            lane.shut(namespace);
        }
        Self(Arc::new(Inner {
            adapter,
            sid,
            namespace,
            direct,
            killed: OnceLock::new(),
            transports,
            is_shut: AtomicBool::new(false),
            lane: OnceLock::new(),
            changing: Mutex::default(),
            full_since: Mutex::default(),
            vector: OnceLock::new(),
        }))
    }

    /// The namespace that the socket is of.
    pub(crate) fn namespace(&self) -> Namespace {
        self.0.namespace
    }

    /// Waits until the CONNECT reply has passed, where a lane carries the socket.
    pub(super) async fn open(&self) -> Result<(), Gone> {
        match self.0.direct.as_ref().filter(|lane| lane.takes_frames()) {
            Some(lane) => self.change_over(lane).await,
            None => Ok(()),
        }
    }

    /// Nothing goes out any more.
    pub(super) fn shut(&self) {
        self.0.is_shut.store(true, Ordering::Release);
    }

    /// Where a live topic's events go.
    pub(crate) fn sink(&self) -> Arc<dyn Sink> {
        Arc::clone(&self.0) as Arc<dyn Sink>
    }

    /// Emits an event of a topic's log, waiting while the queue is full.
    ///
    /// # Errors
    /// [`Gone`] when there is nobody to emit to any more.
    pub async fn emit(&self, topic: &str, event: &Encoded) -> Result<(), Gone> {
        self.write(Outgoing::Event(topic, event)).await
    }

    /// From here on every event brings an offset.
    pub(super) fn begin_recovery(&self) {
        self.0.vector.get_or_init(Mutex::default);
    }

    /// A client that recovers has a topic up to this cursor, or lacks its snapshot. It learns of it
    /// with the next event.
    pub(super) fn place(&self, topic: &str, cursor: Option<&str>) {
        if let Some(mut vector) = self.0.vector() {
            vector.place(topic, cursor);
        }
    }

    /// A client that recovers has left a topic. Answers whether it was in it.
    pub(super) fn leave(&self, topic: &str) -> bool {
        self.0.vector().is_some_and(|mut vector| vector.leave(topic))
    }

    /// Gives a client that recovers an offset for what it has, with an event that says no more.
    ///
    /// # Errors
    /// As [`Outlet::emit`].
    pub async fn tell_offset(&self) -> Result<(), Gone> {
        let Some(is_recoverable) = self.0.vector().map(|vector| vector.is_recoverable()) else {
            return Ok(());
        };
        self.tell("recovery", &Recovering { recoverable: is_recoverable }).await
    }

    /// As [`Outlet::tell_offset`], after a snapshot that the client now has.
    ///
    /// # Errors
    /// As [`Outlet::emit`].
    pub async fn tell_place(&self, topic: &str, cursor: &str) -> Result<(), Gone> {
        self.place(topic, Some(cursor));
        self.tell_offset().await
    }

    /// Emits an event of the edge's own.
    ///
    /// # Errors
    /// As [`Outlet::emit`].
    pub async fn tell(&self, name: &str, payload: &impl Serialize) -> Result<(), Gone> {
        debug_assert!(catalogue::tells(name), "{name} is not in the catalogue");
        self.write(Outgoing::Told(text(&(name, payload)))).await
    }

    /// Emits a part of a state that several sockets are told.
    ///
    /// # Errors
    /// As [`Outlet::emit`].
    pub(crate) async fn tell_part(&self, part: &Str) -> Result<(), Gone> {
        self.write(Outgoing::Part(part)).await
    }

    /// Emits an event whose payload is the text of a JSON object already.
    ///
    /// # Errors
    /// As [`Outlet::emit`].
    pub async fn tell_object(&self, name: &str, object: &str) -> Result<(), Gone> {
        debug_assert!(catalogue::tells(name), "{name} is not in the catalogue");
        self.write(Outgoing::Told(Str::from(format!("[\"{name}\",{object}]")))).await
    }

    /// Answers an acknowledgement.
    ///
    /// # Errors
    /// As [`Outlet::emit`].
    pub async fn acknowledge(&self, ack: i64, answer: &impl Serialize) -> Result<(), Gone> {
        self.write(Outgoing::Answer(ack, text(&(answer,)))).await
    }

    /// Takes the socket out of its namespace, and tells the client so. Its connection stays.
    pub(super) fn leave_namespace(&self) {
        // Full or closed only where the connection is about to end.
        let _ = self.0.adapter.get_local().disconnect_socket(BroadcastOptions::new(self.0.sid));
    }

    /// Tells the client that it is disconnected, before its connection is ended.
    ///
    /// # Errors
    /// As [`Outlet::emit`].
    pub async fn disconnect(&self) -> Result<(), Gone> {
        self.write(Outgoing::Disconnect).await
    }

    /// Tells or acknowledges without waiting: for the reading task, which must not wait for the writer.
    pub(super) fn try_answer(
        &self,
        ack: Option<i64>,
        name: &str,
        answer: &impl Serialize,
    ) -> Result<(), NotQueued> {
        self.0.try_write(&match ack {
            Some(ack) => Outgoing::Answer(ack, text(&(answer,))),
            None => Outgoing::Told(text(&(name, answer))),
        })
    }

    /// Ends the socket's connection, whatever its queue holds. Clients come back by themselves.
    pub fn kill(&self, reason: KillReason) {
        // The first one counts.
        let _ = self.0.killed.set(reason);
        match &self.0.direct {
            Some(lane) => lane.kill(reason),
            None => self.0.transports.kill(self.0.sid, reason),
        }
    }

    /// The WebSocket that carries the socket, if one does.
    pub(super) fn carrier(&self) -> Option<Arc<Lane>> {
        let known = self.0.direct.as_ref().or_else(|| self.0.lane.get());
        known.cloned().or_else(|| self.0.transports.carrier(self.0.sid))
    }

    /// Why the edge has ended the socket's connection, if it has.
    pub(super) fn killed(&self) -> Option<KillReason> {
        let lane = self.0.direct.as_ref().or_else(|| self.0.lane.get());
        lane.and_then(|lane| lane.killed()).or_else(|| self.0.killed.get().copied())
    }

    /// The socket has ended.
    pub(super) fn forget(&self) {
        self.0.transports.forget(self.0.sid);
    }

    async fn write(&self, outgoing: Outgoing<'_>) -> Result<(), Gone> {
        let mut wait = RETRY_FIRST;
        loop {
            match self.0.try_write(&outgoing) {
                Ok(()) => return Ok(()),
                Err(NotQueued::Gone) => return Err(Gone),
                Err(NotQueued::Changing(lane)) => self.change_over(&lane).await?,
                Err(NotQueued::Full) => match self.0.lane.get() {
                    Some(lane) => lane.has_room().await.map_err(|_| Gone)?,
                    None if self.0.is_too_slow() => {
                        self.kill(KillReason::SlowConsumer);
                        return Err(Gone);
                    }
                    None => {
                        metrics::counter!("roomcast_edge_queue_full_total").increment(1);
                        sleep(wait).await;
                        wait = (wait * 2).min(RETRY_LONGEST);
                    }
                },
            }
        }
    }

    async fn change_over(&self, lane: &Arc<Lane>) -> Result<(), Gone> {
        lane.opened(self.0.namespace).await.map_err(|_| Gone)?;
        // Whoever of those that waited comes first.
        let _ = self.0.lane.set(Arc::clone(lane));
        Ok(())
    }
}

impl Inner {
    /// The offset that goes with an event is that of the client having it: both or neither.
    fn try_write(&self, outgoing: &Outgoing<'_>) -> Result<(), NotQueued> {
        let Some(mut vector) = self.vector() else { return self.put(outgoing, None) };
        let Outgoing::Event(topic, event) = outgoing else {
            return self.put(outgoing, Some(&vector.offset()));
        };
        let before = vector.advance(topic, event.cursor());
        let outcome = self.put(outgoing, Some(&vector.offset()));
        if outcome.is_err()
            && let Some(before) = before
        {
            vector.advance(topic, &before);
        }
        outcome
    }

    fn put(&self, outgoing: &Outgoing<'_>, offset: Option<&str>) -> Result<(), NotQueued> {
        if self.is_shut.load(Ordering::Acquire) {
            return Err(NotQueued::Gone);
        }
        match self.lane.get() {
            Some(lane) => match lane.offer_pieces(&outgoing.pieces(self.namespace, offset)) {
                Ok(true) => Ok(()),
                Ok(false) => Err(NotQueued::Full),
                Err(_) => Err(NotQueued::Gone),
            },
            None => self.try_queue(outgoing.packet(self.namespace, offset)),
        }
    }

    fn vector(&self) -> Option<MutexGuard<'_, Vector>> {
        let vector = self.vector.get()?;
        Some(vector.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Queues a packet, unless the session was upgraded meanwhile.
    fn try_queue(&self, packet: Packet) -> Result<(), NotQueued> {
        let mut changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if changing.is_none() && self.direct.is_none() {
            let carrier = self.transports.carrier(self.sid).filter(|lane| lane.takes_frames());
            if let Some(lane) = carrier {
                lane.shut(self.namespace);
                self.queue(event(Str::from(MARK), self.namespace))?;
                *changing = Some(lane);
            }
        }
        match &*changing {
            Some(lane) => Err(NotQueued::Changing(Arc::clone(lane))),
            None => self.queue(packet),
        }
    }

    fn queue(&self, packet: Packet) -> Result<(), NotQueued> {
        let outcome = self.hand_over(packet);
        let mut full_since = self.full_since.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome.err() {
            None => {
                *full_since = None;
                Ok(())
            }
            Some(SocketError::InternalChannelFull) => {
                full_since.get_or_insert_with(Instant::now);
                Err(NotQueued::Full)
            }
            Some(SocketError::Closed) => Err(NotQueued::Gone),
        }
    }

    /// Gives Socket.IO a packet, if the answer that it would go into has room for it.
    fn hand_over(&self, packet: Packet) -> Result<(), SocketError> {
        if !self.transports.admit(self.sid) {
            return Err(SocketError::InternalChannelFull);
        }
        let outcome = self.adapter.get_local().broadcast(packet, BroadcastOptions::new(self.sid));
        let Some(error) = outcome.err().and_then(|errors| errors.into_iter().next()) else {
            return Ok(());
        };
        self.transports.release(self.sid);
        Err(error)
    }

    /// Each with the offset that is the client's once it has it.
    fn offer_each(&self, topic: &str, events: &[Arc<Encoded>]) -> usize {
        let write = |event: &&Arc<Encoded>| self.try_write(&Outgoing::Event(topic, event)).is_ok();
        events.iter().take_while(write).count()
    }

    /// A socket that has gone takes none; its reader meets that as well.
    fn offer_frames<'a>(&self, pieces: impl Iterator<Item = (&'a Bytes, usize)>) -> usize {
        match self.lane.get().filter(|_| !self.is_shut.load(Ordering::Acquire)) {
            Some(lane) => lane.offer(pieces).unwrap_or(0),
            None => 0,
        }
    }

    fn is_too_slow(&self) -> bool {
        let full_since = *self.full_since.lock().unwrap_or_else(PoisonError::into_inner);
        full_since.is_some_and(|since| since.elapsed() >= SLOW_CONSUMER_DEADLINE)
    }
}

impl Sink for Inner {
    fn is_open(&self) -> bool {
        self.lane.get().is_some()
    }

    fn offer(&self, topic: &str, events: &[Arc<Encoded>]) -> usize {
        if self.vector.get().is_some() {
            return self.offer_each(topic, events);
        }
        self.offer_frames(events.iter().map(|event| (event.spellings().frame(self.namespace), 1)))
    }

    fn offer_batch(&self, topic: &str, batch: &Batch) -> usize {
        if self.vector.get().is_some() {
            return self.offer_each(topic, batch.events());
        }
        self.offer_frames(batch.frames(self.namespace).iter().map(Frames::piece))
    }
}

fn text(value: &impl Serialize) -> Str {
    // What the edge tells are plain structs: they always have a text.
    Str::from(serde_json::to_string(value).unwrap_or_else(|_| "[]".to_owned()))
}

#[cfg(test)]
mod tests;
