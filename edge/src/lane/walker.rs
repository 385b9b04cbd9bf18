//! Finds where the messages end in what a WebSocket server writes, however the writes are cut. Pure.

use bytes::{Bytes, BytesMut};

use super::frame::{Header, NotFrames};

/// Longest message that Socket.IO writes: far above the largest event, far below what would matter.
const MESSAGE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Holds the message that is not complete yet.
#[derive(Debug, Default)]
pub(super) struct Walker {
    partial: BytesMut,
}

/// One message: a frame, or all frames of a fragmented one with the control frames between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message(Bytes);

impl Walker {
    /// More was written.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.partial.extend_from_slice(bytes);
    }

    /// The next whole message.
    pub(super) fn next(&mut self) -> Result<Option<Message>, NotFrames> {
        let Some(end) = message_end(&self.partial)? else { return Ok(None) };
        if end == self.partial.len() {
            // Taken whole, so that nothing is kept while nothing is written.
            return Ok(Some(Message(std::mem::take(&mut self.partial).freeze())));
        }
        Ok(Some(Message(self.partial.split_to(end).freeze())))
    }
}

impl Message {
    pub(super) fn into_bytes(self) -> Bytes {
        self.0
    }

    /// The text of a message that is one whole text frame.
    pub(super) fn text(&self) -> Option<&str> {
        let header = Header::parse(&self.0).ok()??;
        header.is_whole_text().then(|| std::str::from_utf8(self.0.get(header.length..)?).ok())?
    }
}

/// For [`crate::probe`]: the lengths of the whole messages in what is written piece by piece.
pub(crate) fn message_lengths<'a>(
    pieces: impl Iterator<Item = &'a [u8]>,
) -> Result<Vec<usize>, NotFrames> {
    let (mut walker, mut lengths) = (Walker::default(), Vec::new());
    for piece in pieces {
        walker.feed(piece);
        while let Some(message) = walker.next()? {
            lengths.push(message.into_bytes().len());
        }
    }
    Ok(lengths)
}

fn message_end(bytes: &[u8]) -> Result<Option<usize>, NotFrames> {
    let mut end = 0;
    let mut is_inside = false;
    loop {
        let Some(header) = Header::parse(&bytes[end..])? else { return Ok(None) };
        if header.payload > MESSAGE_BYTES_MAX {
            return Err(NotFrames);
        }
        let payload = usize::try_from(header.payload).map_err(|_| NotFrames)?;
        end += header.length + payload;
        if end as u64 > MESSAGE_BYTES_MAX {
            return Err(NotFrames);
        }
        if end > bytes.len() {
            return Ok(None);
        }
        if !header.is_control() {
            is_inside = !header.is_final;
        }
        if !is_inside {
            return Ok(Some(end));
        }
    }
}
