//! Messages of one socket, in the order they arrived.
//!
//! Handlers run as tasks of their own and overtake each other; extractors run one after the other in
//! the connection's reading task. So the extractor does the work, and the handler has nothing to do.

use std::{convert::Infallible, sync::Arc, time::Duration};

use roomcast_proto::registry::Code;
use socketioxide::{
    handler::{FromMessage, Value},
    socket::Socket,
};
use socketioxide_core::Str;
use tokio::{sync::mpsc, time::Instant};

use super::{Outlet, adapter::RawAdapter, allowance::Allowance, command::Refusal};
use crate::{lane::KillReason, listener::limit_hit};

/// Messages that wait for one socket: a client that sends more at once is told to slow down.
const WAITING_MAX: usize = 256;

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
    allowance: Arc<Allowance>,
}

/// A socket's inbox.
#[derive(Debug)]
pub(super) struct Inbound {
    receiver: mpsc::Receiver<Box<Message>>,
    allowance: Arc<Allowance>,
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
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    (Inbox { sender, allowance: Arc::clone(&allowance) }, Inbound { receiver, allowance })
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
        self.sender.try_send(Box::new(message)).map_err(|_| {
            self.allowance.release(size);
            Excess::Full
        })
    }
}

impl Inbound {
    pub(super) async fn next(&mut self) -> Option<Message> {
        let message = self.receiver.recv().await?;
        self.allowance.release(message.text.len());
        Some(*message)
    }

    /// The next message, if one has come.
    pub(super) fn waiting(&mut self) -> Option<Message> {
        let message = self.receiver.try_recv().ok()?;
        self.allowance.release(message.text.len());
        Some(*message)
    }
}

impl Drop for Inbound {
    /// What was not taken any more waits for nobody.
    fn drop(&mut self) {
        while self.waiting().is_some() {}
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
