//! What one core tells the others: a version, a seal, who speaks and for which time, and what was
//! committed. The seal is made with the database's key, so that nobody makes a core show what is in no
//! log by writing to Redis.

use std::sync::Arc;

use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};
use bytes::Bytes;
use prost::Message as _;

use crate::store::transcript::Transcript;

/// Another number is another form, which this program does not read.
const VERSION: u8 = 1;
/// Bytes of the seal, behind the version; all that follows is sealed.
const SEAL: usize = 32;
const HEADER: usize = 1 + SEAL + 8 + 8;

/// What was committed, and what else others must hear of.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Batch {
    /// In commit order.
    #[prost(message, repeated, tag = "1")]
    pub(super) events: Vec<Transcript>,
    /// The earliest deadline of a job that comes before the leader looks again; 0 for none.
    #[prost(uint64, tag = "2")]
    pub(super) deadline: u64,
    /// The core says no more.
    #[prost(bool, tag = "3")]
    pub(super) is_last: bool,
}

/// A message whose seal is whole.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Message {
    /// Who speaks.
    pub(super) core: u64,
    /// Counts what it says, from 1.
    pub(super) number: u64,
    batch: Bytes,
}

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoMessage {
    #[error("it has another version")]
    Version,
    #[error("its seal is broken")]
    Seal,
    #[error("it cannot be read")]
    Content,
}

/// Makes and breaks seals. Cheap to clone.
#[derive(Clone)]
pub(super) struct Seal(Arc<Key>);

impl Seal {
    /// Of one channel: what was said on another does not pass here, though a copied database has the same
    /// key.
    pub(super) fn new(key: &[u8], channel: &str) -> Seal {
        let own = hmac::sign(&Key::new(HMAC_SHA256, key), channel.as_bytes());
        Seal(Arc::new(Key::new(HMAC_SHA256, own.as_ref())))
    }

    /// A message of a core.
    pub(super) fn close(&self, core: u64, number: u64, batch: &Batch) -> Vec<u8> {
        let mut message = Vec::with_capacity(HEADER + batch.encoded_len());
        message.push(VERSION);
        message.extend_from_slice(&[0; SEAL]);
        message.extend_from_slice(&core.to_be_bytes());
        message.extend_from_slice(&number.to_be_bytes());
        message.extend_from_slice(&batch.encode_to_vec());
        let tag = hmac::sign(&self.0, &message[1 + SEAL..]);
        message[1..=SEAL].copy_from_slice(tag.as_ref());
        message
    }

    /// Reads bytes that anybody may have written.
    pub(super) fn open(&self, bytes: Bytes) -> Result<Message, NoMessage> {
        if bytes.first() != Some(&VERSION) {
            return Err(NoMessage::Version);
        }
        if bytes.len() < HEADER {
            return Err(NoMessage::Content);
        }
        let tag = &bytes[1..=SEAL];
        hmac::verify(&self.0, &bytes[1 + SEAL..], tag).map_err(|_| NoMessage::Seal)?;
        let number = |at: usize| {
            bytes[at..at + 8].iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte))
        };
        let (core, number) = (number(1 + SEAL), number(1 + SEAL + 8));
        Ok(Message { core, number, batch: bytes.slice(HEADER..) })
    }
}

impl Message {
    /// What it says.
    pub(super) fn batch(self) -> Result<Batch, NoMessage> {
        Batch::decode(self.batch).map_err(|_| NoMessage::Content)
    }
}

#[cfg(test)]
mod tests;
