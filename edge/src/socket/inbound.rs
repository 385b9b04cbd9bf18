//! Messages of one socket, in the order they arrived.
//!
//! Handlers run as tasks of their own and overtake each other; extractors run one after the other in
//! the connection's reading task. So the extractor does the work, and the handler has nothing to do.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use roomcast_proto::registry::Code;
use socketioxide::{
    handler::{FromMessage, Value},
    socket::Socket,
};
use socketioxide_core::Str;
use tokio::sync::mpsc;

use super::{Outlet, adapter::RawAdapter, command::Refusal};

/// Messages that wait for one socket: a client that sends more at once is told to slow down.
const WAITING_MAX: usize = 256;
/// Bytes that wait for one socket: two messages of the largest size.
const WAITING_BYTES_MAX: usize = 2_000_000;

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
    sender: mpsc::Sender<Message>,
    waiting_bytes: Arc<AtomicUsize>,
}

/// A socket's inbox.
#[derive(Debug)]
pub(super) struct Inbound {
    receiver: mpsc::Receiver<Message>,
    waiting_bytes: Arc<AtomicUsize>,
}

/// The inbox would hold too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Overflow;

pub(super) fn inbox() -> (Inbox, Inbound) {
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    let waiting_bytes = Arc::<AtomicUsize>::default();
    let inbox = Inbox { sender, waiting_bytes: Arc::clone(&waiting_bytes) };
    (inbox, Inbound { receiver, waiting_bytes })
}

impl Inbox {
    pub(super) fn accept(&self, message: Message) -> Result<(), Overflow> {
        let size = message.text.len();
        let waiting = self.waiting_bytes.fetch_add(size, Ordering::Relaxed) + size;
        if waiting > WAITING_BYTES_MAX || self.sender.try_send(message).is_err() {
            self.waiting_bytes.fetch_sub(size, Ordering::Relaxed);
            return Err(Overflow);
        }
        Ok(())
    }
}

impl Inbound {
    pub(super) async fn next(&mut self) -> Option<Message> {
        let message = self.receiver.recv().await?;
        self.waiting_bytes.fetch_sub(message.text.len(), Ordering::Relaxed);
        Some(message)
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
            && inbox.accept(Message { text, ack, has_attachments }) == Err(Overflow)
        {
            metrics::counter!("roomcast_edge_refusals_total", "code" => Code::RateLimited.as_str())
                .increment(1);
            let refusal = Refusal::new(Code::RateLimited, "too many messages wait to be handled");
            // If even this finds no room, the client learns nothing it could act on.
            let _ = refusal.try_tell(&outlet, ack);
        }
        Ok(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Message {
        Message { text: Str::from(text.to_owned()), ack: None, has_attachments: false }
    }

    #[tokio::test]
    async fn messages_come_out_in_the_order_they_went_in() {
        let (inbox, mut inbound) = inbox();
        let sent: Vec<_> = (0..WAITING_MAX).map(|n| message(&format!("[\"ping\",{n}]"))).collect();
        for message in &sent {
            inbox.accept(message.clone()).unwrap();
        }
        for message in sent {
            assert_eq!(inbound.next().await, Some(message));
        }
    }

    #[tokio::test]
    async fn an_inbox_is_bounded_in_messages_and_has_room_again_once_one_was_taken() {
        let (inbox, mut inbound) = inbox();
        for _ in 0..WAITING_MAX {
            inbox.accept(message("[\"ping\"]")).unwrap();
        }
        assert_eq!(inbox.accept(message("[\"ping\"]")), Err(Overflow));
        inbound.next().await.unwrap();
        inbox.accept(message("[\"ping\"]")).unwrap();
    }

    #[tokio::test]
    async fn an_inbox_is_bounded_in_bytes() {
        let (inbox, mut inbound) = inbox();
        let large = message(&"x".repeat(WAITING_BYTES_MAX - 1));
        inbox.accept(large).unwrap();
        assert_eq!(inbox.accept(message("xx")), Err(Overflow));
        inbound.next().await.unwrap();
        inbox.accept(message("xx")).unwrap();
    }
}
