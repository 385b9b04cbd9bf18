//! Messages of one socket, in the order they arrived.
//!
//! Handlers run as tasks of their own and overtake each other; extractors run one after the other in
//! the connection's reading task. So the extractor does the work, and the handler has nothing to do.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use roomcast_proto::registry::Code;
use roomcast_runtime::bucket::{Bucket, Rate};
use socketioxide::{
    handler::{FromMessage, Value},
    socket::Socket,
};
use socketioxide_core::Str;
use tokio::{sync::mpsc, time::Instant};

use super::{Outlet, adapter::RawAdapter, command::Refusal};
use crate::{lane::KillReason, listener::limit_hit};

/// Messages that wait for one socket: a client that sends more at once is told to slow down.
const WAITING_MAX: usize = 256;
/// Bytes that wait for one socket: two messages of the largest size.
const WAITING_BYTES_MAX: usize = 2_000_000;
/// What a failed command costs beyond itself.
const FAILURE_COST: u32 = 4;
/// Bursts of refusals before a client that does not slow down is ended.
const PATIENCE: u32 = 8;

/// A message as it came: `["name",{…}]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) text: Str,
    /// Where the client waits for an answer.
    pub(super) ack: Option<i64>,
    /// Attachments are not part of any command.
    pub(super) has_attachments: bool,
}

/// The way into a socket's inbox. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Inbox {
    /// Boxed: a channel takes room for many at once.
    sender: mpsc::Sender<Box<Message>>,
    shared: Arc<Shared>,
}

/// A socket's inbox.
#[derive(Debug)]
pub(super) struct Inbound {
    receiver: mpsc::Receiver<Box<Message>>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    waiting_bytes: AtomicUsize,
    allowance: Mutex<Allowance>,
}

/// What a client may still emit, and how often it may still be told to slow down.
#[derive(Debug)]
struct Allowance {
    events: Bucket,
    refusals: Bucket,
}

/// A message that is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Excess {
    /// The inbox would hold too much.
    Full,
    /// The client emits more than it may; it may again after this.
    TooFast(Duration),
    /// It was told so too often.
    Flood,
}

pub(super) fn inbox(rate: Rate) -> (Inbox, Inbound) {
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    let now = Instant::now();
    let patience = Rate { burst: rate.burst.saturating_mul(PATIENCE), ..rate };
    let allowance =
        Allowance { events: Bucket::new(rate, now), refusals: Bucket::new(patience, now) };
    let shared =
        Arc::new(Shared { waiting_bytes: AtomicUsize::new(0), allowance: Mutex::new(allowance) });
    (Inbox { sender, shared: Arc::clone(&shared) }, Inbound { receiver, shared })
}

impl Inbox {
    pub(super) fn accept(&self, message: Message, now: Instant) -> Result<(), Excess> {
        let outcome = match self.shared.allowance().events.take(1, now) {
            Ok(()) => self.put(message),
            Err(wait) => Err(Excess::TooFast(wait)),
        };
        outcome.map_err(|excess| {
            let patience = self.shared.allowance().refusals.take(1, now);
            patience.map_or(Excess::Flood, |()| excess)
        })
    }

    fn put(&self, message: Message) -> Result<(), Excess> {
        let size = message.text.len();
        let waiting = self.shared.waiting_bytes.fetch_add(size, Ordering::Relaxed) + size;
        if waiting > WAITING_BYTES_MAX || self.sender.try_send(Box::new(message)).is_err() {
            self.shared.waiting_bytes.fetch_sub(size, Ordering::Relaxed);
            return Err(Excess::Full);
        }
        Ok(())
    }
}

impl Inbound {
    pub(super) async fn next(&mut self) -> Option<Message> {
        let message = self.receiver.recv().await?;
        self.shared.waiting_bytes.fetch_sub(message.text.len(), Ordering::Relaxed);
        Some(*message)
    }

    /// The next message, if one has come.
    pub(super) fn waiting(&mut self) -> Option<Message> {
        let message = self.receiver.try_recv().ok()?;
        self.shared.waiting_bytes.fetch_sub(message.text.len(), Ordering::Relaxed);
        Some(*message)
    }

    /// A command has failed: it counts for several, so that guessing is slow.
    pub(super) fn charge_failure(&self, now: Instant) {
        self.shared.allowance().events.charge(FAILURE_COST, now);
    }
}

impl Shared {
    fn allowance(&self) -> MutexGuard<'_, Allowance> {
        self.allowance.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Proof that a message was put into its socket's inbox, or refused.
#[derive(Debug)]
pub(super) struct Taken;

impl FromMessage<RawAdapter> for Taken {
    type Error = Infallible;

    fn from_message(
        socket: Arc<Socket<RawAdapter>>,
        value: Value,
        ack: Option<i64>,
    ) -> Result<Self, Infallible> {
        let (text, has_attachments) = match value {
            Value::Str(text, attachments) => {
                (text, attachments.is_some_and(|some| !some.is_empty()))
            }
            Value::Bytes(_) => (Str::default(), true),
        };
        let extensions = &socket.extensions;
        if let (Some(inbox), Some(outlet)) = (extensions.get::<Inbox>(), extensions.get::<Outlet>())
            && let Err(excess) =
                inbox.accept(Message { text, ack, has_attachments }, Instant::now())
        {
            refuse(excess, ack, &outlet);
        }
        Ok(Self)
    }
}

fn refuse(excess: Excess, ack: Option<i64>, outlet: &Outlet) {
    let refusal = Refusal::new(Code::RateLimited, "this socket emits more than it may");
    let (limit, refusal) = match excess {
        Excess::Full => ("inbox", refusal),
        Excess::TooFast(wait) => ("socket_events", refusal.retry_after(wait)),
        Excess::Flood => {
            limit_hit("flood");
            return outlet.kill(KillReason::Flooding);
        }
    };
    limit_hit(limit);
    metrics::counter!("roomcast_edge_refusals_total", "code" => Code::RateLimited.as_str())
        .increment(1);
    // Every acknowledgement is answered, or the connection that waits for it ends.
    if refusal.try_tell(outlet, ack).is_err() {
        outlet.kill(KillReason::SlowConsumer);
    }
}

#[cfg(test)]
mod tests;
