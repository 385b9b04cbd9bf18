//! The only place that writes to sockets. A queue that is full is waited for: nothing is skipped.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::Serialize;
use socketioxide::SocketError;
use socketioxide_core::{
    Sid, Str, Value,
    adapter::{BroadcastOptions, CoreAdapter as _},
    packet::{Packet, PacketData},
};
use tokio::time::{Instant, sleep};

use super::{adapter::RawAdapter, transport::Transports};
use crate::listener::{Control, KillReason};

/// A queue that stays full for this long belongs to a peer that cannot keep up.
const SLOW_CONSUMER_DEADLINE: Duration = Duration::from_secs(15);
/// First and longest wait for a full queue: the writer empties it in bursts.
const RETRY_FIRST: Duration = Duration::from_millis(1);
const RETRY_LONGEST: Duration = Duration::from_millis(50);

/// The socket has gone, or was ended for being slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the socket has gone")]
pub struct Gone;

/// Why a packet was not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotQueued {
    Full,
    Gone,
}

/// The way to one socket. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outlet(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    adapter: Arc<RawAdapter>,
    sid: Sid,
    /// The socket's own connection, if it began as a WebSocket.
    direct: Option<Arc<Control>>,
    transports: Transports,
    /// Since when the queue has been full, over all who write.
    full_since: Mutex<Option<Instant>>,
}

impl Outlet {
    pub(super) fn new(
        adapter: Arc<RawAdapter>,
        sid: Sid,
        direct: Option<Arc<Control>>,
        transports: Transports,
    ) -> Self {
        let full_since = Mutex::default();
        Self(Arc::new(Inner { adapter, sid, direct, transports, full_since }))
    }

    /// Emits a packet's text `["name",{…}]`, waiting while the queue is full.
    ///
    /// # Errors
    /// [`Gone`] when there is nobody to emit to any more.
    pub async fn emit(&self, packet: Str) -> Result<(), Gone> {
        self.queue(event(packet)).await
    }

    /// Emits an event of the edge's own.
    ///
    /// # Errors
    /// As [`Outlet::emit`].
    pub async fn tell(&self, name: &str, payload: &impl Serialize) -> Result<(), Gone> {
        self.emit(text(&(name, payload))).await
    }

    /// Emits an event whose payload is the text of a JSON object already.
    ///
    /// # Errors
    /// As [`Outlet::emit`].
    pub async fn tell_object(&self, name: &str, object: &str) -> Result<(), Gone> {
        self.emit(Str::from(format!("[\"{name}\",{object}]"))).await
    }

    /// Answers an acknowledgement.
    ///
    /// # Errors
    /// As [`Outlet::emit`].
    pub async fn acknowledge(&self, ack: i64, answer: &impl Serialize) -> Result<(), Gone> {
        self.queue(acknowledgement(ack, answer)).await
    }

    /// Tells or acknowledges without waiting: for the reading task, which must not wait for the writer.
    pub(super) fn try_answer(
        &self,
        ack: Option<i64>,
        name: &str,
        answer: &impl Serialize,
    ) -> Result<(), NotQueued> {
        self.try_queue(match ack {
            Some(ack) => acknowledgement(ack, answer),
            None => event(text(&(name, answer))),
        })
    }

    /// Ends the socket's connection, whatever its queue holds. Clients come back by themselves.
    pub fn kill(&self, reason: KillReason) {
        match &self.0.direct {
            Some(control) => control.kill(reason),
            None => self.0.transports.kill(self.0.sid, reason),
        }
    }

    /// The socket has ended.
    pub(super) fn forget(&self) {
        self.0.transports.forget(self.0.sid);
    }

    async fn queue(&self, packet: Packet) -> Result<(), Gone> {
        let mut wait = RETRY_FIRST;
        loop {
            match self.try_queue(packet.clone()) {
                Ok(()) => return Ok(()),
                Err(NotQueued::Gone) => return Err(Gone),
                Err(NotQueued::Full) if self.is_too_slow() => {
                    self.kill(KillReason::SlowConsumer);
                    return Err(Gone);
                }
                Err(NotQueued::Full) => {
                    metrics::counter!("roomcast_edge_queue_full_total").increment(1);
                    sleep(wait).await;
                    wait = (wait * 2).min(RETRY_LONGEST);
                }
            }
        }
    }

    fn try_queue(&self, packet: Packet) -> Result<(), NotQueued> {
        let options = BroadcastOptions::new(self.0.sid);
        let outcome = self.0.adapter.get_local().broadcast(packet, options);
        let mut full_since = self.0.full_since.lock().unwrap_or_else(PoisonError::into_inner);
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
        let full_since = *self.0.full_since.lock().unwrap_or_else(PoisonError::into_inner);
        full_since.is_some_and(|since| since.elapsed() >= SLOW_CONSUMER_DEADLINE)
    }
}

fn event(packet: Str) -> Packet {
    Packet { ns: Str::from("/"), inner: PacketData::Event(Value::Str(packet, None), None) }
}

fn acknowledgement(ack: i64, answer: &impl Serialize) -> Packet {
    let value = Value::Str(text(&(answer,)), None);
    Packet { ns: Str::from("/"), inner: PacketData::EventAck(value, ack) }
}

fn text(value: &impl Serialize) -> Str {
    // What the edge tells are plain structs: they always have a text.
    Str::from(serde_json::to_string(value).unwrap_or_else(|_| "[]".to_owned()))
}
