//! WebSocket frames, whole in a buffer and read in place.

use std::ops::Range;

/// A text message in one frame.
pub const TEXT: u8 = 1;
/// The end of a connection.
pub const CLOSE: u8 = 8;

const IS_LAST: u8 = 0x80;
const IS_MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7f;
/// Longest payload whose length fits the second byte.
const SHORT_MAX: usize = 125;
const LENGTH_IN_TWO: u8 = 126;
const LENGTH_IN_EIGHT: u8 = 127;
/// The mask that changes nothing: a payload can be read, and made, as it stands.
const MASK: [u8; 4] = [0; 4];

/// Where a frame stands in the buffer it was found in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What kind of frame it is.
    pub opcode: u8,
    /// Its payload.
    pub payload: Range<usize>,
}

/// The frame that begins at `from`, once all of it is there.
#[must_use]
pub fn at(buffer: &[u8], from: usize) -> Option<Frame> {
    let bytes = buffer.get(from..)?;
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let (length, mut head) = match second & LENGTH {
        LENGTH_IN_TWO => (usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)), 4),
        LENGTH_IN_EIGHT => {
            let length = u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?);
            (usize::try_from(length).ok()?, 10)
        }
        length => (usize::from(length), 2),
    };
    if second & IS_MASKED != 0 {
        head += MASK.len();
    }
    let begin = from + head;
    let payload = begin..begin.checked_add(length)?;
    (payload.end <= buffer.len()).then_some(Frame { opcode: first & 0x0f, payload })
}

/// Appends a text frame as a server writes it.
pub fn write(out: &mut Vec<u8>, text: &[u8]) {
    head(out, text.len(), 0);
    out.extend_from_slice(text);
}

/// A text frame as a client writes it.
#[must_use]
pub fn masked(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 14);
    head(&mut out, text.len(), IS_MASKED);
    out.extend_from_slice(&MASK);
    out.extend_from_slice(text.as_bytes());
    out
}

#[allow(clippy::cast_possible_truncation, reason = "each length is compared with its bounds first")]
fn head(out: &mut Vec<u8>, length: usize, mask: u8) {
    out.push(IS_LAST | TEXT);
    if length <= SHORT_MAX {
        out.push(mask | length as u8);
    } else if let Ok(length) = u16::try_from(length) {
        out.push(mask | LENGTH_IN_TWO);
        out.extend_from_slice(&length.to_be_bytes());
    } else {
        out.push(mask | LENGTH_IN_EIGHT);
        out.extend_from_slice(&(length as u64).to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_each_length_is_found_once_it_is_whole() {
        for length in [0, 1, SHORT_MAX, SHORT_MAX + 1, 65_535, 65_536] {
            let text = "x".repeat(length);
            let mut server = vec![7];
            write(&mut server, text.as_bytes());
            for (buffer, from) in [(server, 1), (masked(&text), 0)] {
                let frame = at(&buffer, from).unwrap();
                assert_eq!((frame.opcode, frame.payload.len()), (TEXT, length));
                assert_eq!(buffer[frame.payload], *text.as_bytes());
                assert_eq!(at(&buffer[..buffer.len() - 1], from), None);
            }
        }
    }
}
