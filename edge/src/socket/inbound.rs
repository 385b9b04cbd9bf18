//! Messages of one socket, in the order they arrived.
//!
//! Handlers run as tasks of their own and overtake each other; extractors run one after the other in
//! the connection's reading task. So the extractor does the work, and the handler has nothing to do.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use roomcast_proto::registry::Code;
use socketioxide::{
    handler::{FromMessage, Value},
    socket::Socket,
};
use socketioxide_core::Str;
use tokio::{sync::Notify, time::Instant};

use super::{adapter::RawAdapter, allowance::Allowance, emit::Outlet, refusal::Refusal};
use crate::{lane::KillReason, listener::limit_hit};

/// Messages that wait for one socket: a client that sends more at once is told to slow down.
const WAITING_MAX: usize = 256;
/// An empty inbox keeps room for so many: thousands of sockets that say little must cost little.
const KEPT_CAPACITY: usize = 4;

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
    queue: Arc<Queue>,
    allowance: Arc<Allowance>,
}

/// A socket's inbox.
#[derive(Debug)]
pub(super) struct Inbound {
    queue: Arc<Queue>,
    allowance: Arc<Allowance>,
}

/// What waits. A channel would hold room for many messages as long as the socket lives.
#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    messages: VecDeque<Message>,
    /// Nobody takes them any more.
    is_closed: bool,
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

/// A socket's inbox, and the way into it.
pub(super) fn inbox(allowance: Arc<Allowance>) -> (Inbox, Inbound) {
    let queue = Arc::<Queue>::default();
    let inbox = Inbox { queue: Arc::clone(&queue), allowance: Arc::clone(&allowance) };
    (inbox, Inbound { queue, allowance })
}

impl Inbox {
    pub(super) fn accept(&self, message: Message, now: Instant) -> Result<(), Excess> {
        let outcome = match self.allowance.take_event(now) {
            Ok(()) => self.put(message),
            Err(wait) => Err(Excess::TooFast(wait)),
        };
        outcome.map_err(|excess| {
            let patience = self.allowance.take_refusal(now);
            patience.map_or(Excess::Flood, |()| excess)
        })
    }

    fn put(&self, message: Message) -> Result<(), Excess> {
        let size = message.text.len();
        if !self.allowance.hold(size) {
            return Err(Excess::Full);
        }
        let is_taken = self.queue.put(message);
        if !is_taken {
            self.allowance.release(size);
            return Err(Excess::Full);
        }
        Ok(())
    }
}

impl Inbound {
    pub(super) async fn next(&mut self) -> Message {
        loop {
            if let Some(message) = self.waiting() {
                return message;
            }
            // A message that comes before this is waited for is remembered.
            self.queue.arrived.notified().await;
        }
    }

    /// The next message, if one has come.
    pub(super) fn waiting(&mut self) -> Option<Message> {
        let message = self.queue.take()?;
        self.allowance.release(message.text.len());
        Some(message)
    }
}

impl Drop for Inbound {
    /// What was not taken any more waits for nobody.
    fn drop(&mut self) {
        self.queue.lock().is_closed = true;
        while self.waiting().is_some() {}
    }
}

impl Queue {
    /// Answers whether there was room, and somebody to take it.
    fn put(&self, message: Message) -> bool {
        {
            let mut waiting = self.lock();
            if waiting.is_closed || waiting.messages.len() >= WAITING_MAX {
                return false;
            }
            waiting.messages.push_back(message);
        }
        self.arrived.notify_one();
        true
    }

    fn take(&self) -> Option<Message> {
        let mut waiting = self.lock();
        let message = waiting.messages.pop_front();
        if waiting.messages.is_empty() {
            waiting.messages.shrink_to(KEPT_CAPACITY);
        }
        message
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
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
