//! What waits to be written to one peer, bounded in bytes, and what has passed already.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{
    Over,
    frame::{NotFrames, text_frame},
    greeting::Greeting,
    namespace::{Meaning, Namespace},
    walker::Walker,
};

/// Bytes of frames that wait for one peer: two thousand small events. One that is further behind reads
/// the log, where they are kept once for all.
pub(super) const LANE_BYTES_MAX: usize = 512 * 1024;
/// Waiting frames leave this much to Socket.IO's own: a ping that cannot be written ends the session.
const OWN_BYTES_MAX: usize = 128 * 1024;

/// Pure: the lane's lock is around it.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pieces: VecDeque<Bytes>,
    /// Of the pieces here and of those being written.
    bytes: usize,
    frames: u64,
    walker: Walker,
    open: u8,
    is_upgrading: bool,
    is_carrying: bool,
    is_over: bool,
    /// Somebody waits for a change.
    is_awaited: bool,
    /// `Io`'s writer was turned away.
    holds_writer: bool,
}

/// How a queue stands after some of it was written.
#[derive(Debug)]
pub(super) struct Settled {
    /// Bytes that still wait.
    pub(super) left: usize,
    /// Frames queued since it was settled last.
    pub(super) frames: u64,
    /// Somebody is to be woken: there is room.
    pub(super) is_awaited: bool,
    /// So is `Io`'s writer.
    pub(super) holds_writer: bool,
}

impl Queue {
    /// Queues the pieces of so many frames. Answers whether there was room: anything fits into an empty
    /// queue.
    pub(super) fn offer(&mut self, pieces: &[Bytes], frames: usize) -> Result<bool, Over> {
        if self.is_over {
            return Err(Over);
        }
        let length: usize = pieces.iter().map(Bytes::len).sum();
        if self.bytes > 0 && self.bytes + length > LANE_BYTES_MAX {
            return Ok(false);
        }
        self.bytes += length;
        self.frames += frames as u64;
        self.pieces.extend(pieces.iter().cloned());
        Ok(true)
    }

    /// Whether more may be written through `Io`: then all of it is taken.
    pub(super) fn takes_writes(&mut self) -> bool {
        self.holds_writer = self.bytes > LANE_BYTES_MAX + OWN_BYTES_MAX;
        !self.holds_writer
    }

    /// Takes what was written through `Io`; whole messages are queued. Answers whether a namespace was
    /// opened by one.
    pub(super) fn write(
        &mut self,
        bytes: &[u8],
        greeting: Option<&Greeting>,
    ) -> Result<bool, NotFrames> {
        self.walker.feed(bytes);
        let mut has_opened = false;
        while let Some(message) = self.walker.next()? {
            let mut completed = None;
            let text = message.text();
            match text.map_or(Meaning::Other, Meaning::of) {
                Meaning::Probe => {}
                Meaning::Connected(namespace) => {
                    self.open |= namespace.bit();
                    has_opened = true;
                    completed = text.and_then(|text| greeting?.complete(text));
                }
                Meaning::Mark(namespace) => {
                    self.open |= namespace.bit();
                    has_opened = true;
                    continue;
                }
                Meaning::Other => self.is_carrying |= text.is_some(),
            }
            let bytes = completed
                .map_or_else(|| message.into_bytes(), |completed| text_frame(&[&completed]));
            self.bytes += bytes.len();
            self.frames += 1;
            self.pieces.push_back(bytes);
        }
        Ok(has_opened)
    }

    /// Bytes that wait, or are being written.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Hands over what waits, into a list that is empty. Answers whether there is any.
    pub(super) fn take(&mut self, writing: &mut VecDeque<Bytes>) -> bool {
        std::mem::swap(&mut self.pieces, writing);
        !writing.is_empty()
    }

    /// So many bytes are written. Who waits is woken once much of the queue has gone.
    pub(super) fn settle(&mut self, wrote: usize) -> Settled {
        // What ended meanwhile counts no more.
        self.bytes = self.bytes.saturating_sub(wrote);
        let is_low = self.is_low();
        Settled {
            left: self.bytes,
            frames: std::mem::take(&mut self.frames),
            is_awaited: is_low && std::mem::take(&mut self.is_awaited),
            holds_writer: is_low && std::mem::take(&mut self.holds_writer),
        }
    }

    /// Somebody is to be woken when there is room.
    pub(super) fn await_change(&mut self) {
        self.is_awaited = true;
    }

    pub(super) fn is_low(&self) -> bool {
        self.bytes <= LANE_BYTES_MAX / 2
    }

    /// A namespace is to be opened anew: its client left it and comes in again.
    pub(super) fn shut(&mut self, namespace: Namespace) {
        self.open &= !namespace.bit();
    }

    pub(super) fn is_open(&self, namespace: Namespace) -> bool {
        self.open & namespace.bit() != 0
    }

    pub(super) fn is_carrying(&self) -> bool {
        self.is_carrying
    }

    pub(super) fn expect_upgrade(&mut self) {
        self.is_upgrading = true;
    }

    pub(super) fn is_upgrading(&self) -> bool {
        self.is_upgrading
    }

    /// Nothing is taken any more, and nothing waits.
    pub(super) fn end(&mut self) {
        self.is_over = true;
        self.pieces = VecDeque::new();
        self.bytes = 0;
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }
}

#[cfg(test)]
mod tests;
