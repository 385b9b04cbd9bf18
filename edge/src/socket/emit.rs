//! The only place that writes to sockets. A queue that is full is waited for: nothing is skipped.
//!
//! A WebSocket gets frames, through its connection's lane; a session that polls gets packets, through
//! Socket.IO's own queue. A session begins with packets. It changes over once, when all that was
//! queued before has passed the lane: for a WebSocket that is its CONNECT reply, for a session that was
//! upgraded a mark, which the lane takes out.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use serde::Serialize;
use socketioxide::SocketError;
use socketioxide_core::{
    Sid, Str, Value,
    adapter::{BroadcastOptions, CoreAdapter as _},
    packet::{Packet, PacketData},
};
use tokio::time::{Instant, sleep};

use super::{adapter::RawAdapter, transport::Transports};
use crate::{
    feed::Sink,
    lane::{KillReason, Lane, MARK, Namespace, text_frame},
    names::Encoded,
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
    transports: Transports,
    /// Where everything goes, once it may.
    lane: OnceLock<Arc<Lane>>,
    /// The lane whose mark is queued: no packet may follow it.
    changing: Mutex<Option<Arc<Lane>>>,
    /// Since when the queue of packets has been full, over all who write.
    full_since: Mutex<Option<Instant>>,
}

/// What is written.
enum Outgoing<'a> {
    /// An event of a log.
    Event(&'a Encoded),
    /// An event of the edge's own: `["name",{…}]`.
    Told(Str),
    /// The answer to an acknowledgement: `[{…}]`.
    Answer(i64, Str),
}

impl Outlet {
    pub(super) fn new(
        adapter: Arc<RawAdapter>,
        sid: Sid,
        direct: Option<Arc<Lane>>,
        transports: Transports,
    ) -> Self {
        Self(Arc::new(Inner {
            adapter,
            sid,
            namespace: Namespace::ROOT,
            direct: direct.filter(|lane| lane.takes_frames()),
            transports,
            lane: OnceLock::new(),
            changing: Mutex::default(),
            full_since: Mutex::default(),
        }))
    }

    /// Waits until the CONNECT reply has passed, where a lane carries the socket.
    pub(super) async fn open(&self) -> Result<(), Gone> {
        match &self.0.direct {
            Some(lane) => self.change_over(lane).await,
            None => Ok(()),
        }
    }

    /// Where a live topic's events go.
    pub(crate) fn sink(&self) -> Arc<dyn Sink> {
        Arc::clone(&self.0) as Arc<dyn Sink>
    }

    /// Emits an event of a log, waiting while the queue is full.
    ///
    /// # Errors
    /// [`Gone`] when there is nobody to emit to any more.
    pub async fn emit(&self, event: &Encoded) -> Result<(), Gone> {
        self.write(Outgoing::Event(event)).await
    }

    /// Emits an event of the edge's own.
    ///
    /// # Errors
    /// As [`Outlet::emit`].
    pub async fn tell(&self, name: &str, payload: &impl Serialize) -> Result<(), Gone> {
        self.write(Outgoing::Told(text(&(name, payload)))).await
    }

    /// Emits an event whose payload is the text of a JSON object already.
    ///
    /// # Errors
    /// As [`Outlet::emit`].
    pub async fn tell_object(&self, name: &str, object: &str) -> Result<(), Gone> {
        self.write(Outgoing::Told(Str::from(format!("[\"{name}\",{object}]")))).await
    }

    /// Answers an acknowledgement.
    ///
    /// # Errors
    /// As [`Outlet::emit`].
    pub async fn acknowledge(&self, ack: i64, answer: &impl Serialize) -> Result<(), Gone> {
        self.write(Outgoing::Answer(ack, text(&(answer,)))).await
    }

    /// Tells or acknowledges without waiting: for the reading task, which must not wait for the writer.
    pub(super) fn try_answer(
        &self,
        ack: Option<i64>,
        name: &str,
        answer: &impl Serialize,
    ) -> Result<(), NotQueued> {
        self.try_write(&match ack {
            Some(ack) => Outgoing::Answer(ack, text(&(answer,))),
            None => Outgoing::Told(text(&(name, answer))),
        })
    }

    /// Ends the socket's connection, whatever its queue holds. Clients come back by themselves.
    pub fn kill(&self, reason: KillReason) {
        match &self.0.direct {
            Some(lane) => lane.kill(reason),
            None => self.0.transports.kill(self.0.sid, reason),
        }
    }

    /// The socket has ended.
    pub(super) fn forget(&self) {
        self.0.transports.forget(self.0.sid);
    }

    async fn write(&self, outgoing: Outgoing<'_>) -> Result<(), Gone> {
        let mut wait = RETRY_FIRST;
        loop {
            match self.try_write(&outgoing) {
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

    fn try_write(&self, outgoing: &Outgoing<'_>) -> Result<(), NotQueued> {
        match self.0.lane.get() {
            Some(lane) => match lane.offer([&outgoing.frame(self.0.namespace)]) {
                Ok(0) => Err(NotQueued::Full),
                Ok(_) => Ok(()),
                Err(_) => Err(NotQueued::Gone),
            },
            None => self.0.try_queue(outgoing.packet(self.0.namespace)),
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
    /// Queues a packet, unless the session was upgraded meanwhile.
    fn try_queue(&self, packet: Packet) -> Result<(), NotQueued> {
        let mut changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if changing.is_none() && self.direct.is_none() {
            let carrier = self.transports.carrier(self.sid).filter(|lane| lane.takes_frames());
            if let Some(lane) = carrier {
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
        let outcome = self.adapter.get_local().broadcast(packet, BroadcastOptions::new(self.sid));
        let mut full_since = self.full_since.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome.err().and_then(|errors| errors.into_iter().next()) {
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

    fn is_too_slow(&self) -> bool {
        let full_since = *self.full_since.lock().unwrap_or_else(PoisonError::into_inner);
        full_since.is_some_and(|since| since.elapsed() >= SLOW_CONSUMER_DEADLINE)
    }
}

impl Sink for Inner {
    fn is_open(&self) -> bool {
        self.lane.get().is_some()
    }

    fn offer(&self, _topic: &str, events: &[Arc<Encoded>]) -> usize {
        let Some(lane) = self.lane.get() else { return 0 };
        // A socket that has gone takes none; its reader meets that as well.
        lane.offer(events.iter().map(|event| event.frame())).unwrap_or(0)
    }
}

impl Outgoing<'_> {
    fn frame(&self, namespace: Namespace) -> Bytes {
        match self {
            Self::Event(event) => event.frame().clone(),
            Self::Told(text) => text_frame(&["42", &namespace.prefix(), text]),
            Self::Answer(ack, text) => {
                text_frame(&["43", &namespace.prefix(), &ack.to_string(), text])
            }
        }
    }

    fn packet(&self, namespace: Namespace) -> Packet {
        match self {
            Self::Event(encoded) => event(encoded.packet(), namespace),
            Self::Told(text) => event(text.clone(), namespace),
            Self::Answer(ack, text) => Packet {
                ns: Str::from(namespace.name()),
                inner: PacketData::EventAck(Value::Str(text.clone(), None), *ack),
            },
        }
    }
}

fn event(text: Str, namespace: Namespace) -> Packet {
    Packet {
        ns: Str::from(namespace.name()),
        inner: PacketData::Event(Value::Str(text, None), None),
    }
}

fn text(value: &impl Serialize) -> Str {
    // What the edge tells are plain structs: they always have a text.
    Str::from(serde_json::to_string(value).unwrap_or_else(|_| "[]".to_owned()))
}
