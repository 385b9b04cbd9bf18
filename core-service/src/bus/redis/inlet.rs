//! What has come over the connection and is not yet taken in: bounded, and never in the way of what the
//! connection brings next.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use redis::{PushInfo, Value};
use tokio::sync::mpsc::{self, Receiver, Sender, error::TrySendError};

/// Messages that wait: some milliseconds of many busy cores.
const MESSAGES_MAX: usize = 4096;
/// Their bytes.
const BYTES_MAX: usize = 64 << 20;

/// Where the connection puts messages.
#[derive(Debug)]
pub(super) struct Inlet {
    sender: Sender<PushInfo>,
    shared: Arc<Shared>,
}

/// Where they are taken out.
#[derive(Debug)]
pub(super) struct Inflow {
    receiver: Receiver<PushInfo>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    bytes: AtomicUsize,
    has_lost: AtomicBool,
}

pub(super) fn open() -> (Inlet, Inflow) {
    let (sender, receiver) = mpsc::channel(MESSAGES_MAX);
    let shared = Arc::new(Shared::default());
    (Inlet { sender, shared: Arc::clone(&shared) }, Inflow { receiver, shared })
}

impl Inlet {
    /// Puts a message in, or loses it and says so. An error when nobody takes out any more.
    pub(super) fn put(&self, push: PushInfo) -> Result<(), TrySendError<PushInfo>> {
        let size = size(&push);
        let before = self.shared.bytes.fetch_add(size, Ordering::Relaxed);
        let sent = if before + size > BYTES_MAX {
            Err(TrySendError::Full(push))
        } else {
            self.sender.try_send(push)
        };
        if sent.is_err() {
            self.shared.bytes.fetch_sub(size, Ordering::Relaxed);
        }
        match sent {
            Err(TrySendError::Full(_)) => {
                self.shared.has_lost.store(true, Ordering::Relaxed);
                Ok(())
            }
            sent => sent,
        }
    }
}

impl Inflow {
    /// The next message; none when the connection is closed.
    pub(super) async fn next(&mut self) -> Option<PushInfo> {
        let push = self.receiver.recv().await?;
        self.shared.bytes.fetch_sub(size(&push), Ordering::Relaxed);
        Some(push)
    }

    /// Whether messages were lost since this was asked last.
    pub(super) fn has_lost(&self) -> bool {
        self.shared.has_lost.swap(false, Ordering::Relaxed)
    }
}

fn size(push: &PushInfo) -> usize {
    let bytes = |value: &Value| if let Value::BulkString(bytes) = value { bytes.len() } else { 0 };
    push.data.iter().map(bytes).sum()
}

#[cfg(test)]
mod tests {
    use redis::PushKind;

    use super::*;

    fn message(bytes: usize) -> PushInfo {
        let data = vec![Value::BulkString(Vec::new()), Value::BulkString(vec![0; bytes])];
        PushInfo { kind: PushKind::Message, data }
    }

    #[tokio::test]
    async fn what_does_not_fit_is_lost_and_told_and_the_next_fits_again() {
        for (bytes, most) in [(0, MESSAGES_MAX), (BYTES_MAX / 4, 4)] {
            let (inlet, mut inflow) = open();
            for _ in 0..most {
                inlet.put(message(bytes)).expect("open");
            }
            assert!(!inflow.has_lost());
            inlet.put(message(bytes)).expect("open");
            assert!(inflow.has_lost() && !inflow.has_lost());
            inflow.next().await.expect("a message");
            inlet.put(message(bytes)).expect("open");
            assert!(!inflow.has_lost());
        }
    }

    #[tokio::test]
    async fn a_connection_that_nobody_hears_is_told_so() {
        let (inlet, inflow) = open();
        drop(inflow);
        assert!(inlet.put(message(1)).is_err());
    }
}
