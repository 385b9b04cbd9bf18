//! WebSocket frames as a server writes them: never masked, a text in one frame.

use bytes::{BufMut as _, Bytes, BytesMut};

const FIN: u8 = 0x80;
const OPCODE: u8 = 0x0f;
const OPCODE_TEXT: u8 = 1;
/// Opcodes from here on are control frames: they stand anywhere, also inside of a fragmented message.
const OPCODE_CONTROL: u8 = 8;
const MASKED: u8 = 0x80;
/// Lengths below stand in the second byte; these two say that two or eight bytes with it follow.
const LENGTH_OF_2: u8 = 126;
const LENGTH_OF_8: u8 = 127;
const HEADER_BYTES_MAX: usize = 10;

/// What was written is no WebSocket of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the frames of a WebSocket server")]
pub(crate) struct NotFrames;

/// A frame's header.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) is_final: bool,
    opcode: u8,
    /// Bytes of the header itself.
    pub(super) length: usize,
    /// Bytes of the payload.
    pub(super) payload: u64,
}

impl Header {
    /// None while it is not complete.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<Self>, NotFrames> {
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        if second & MASKED != 0 {
            return Err(NotFrames);
        }
        let (length, payload) = match (*second, rest) {
            (LENGTH_OF_2, [a, b, ..]) => (4, u64::from(u16::from_be_bytes([*a, *b]))),
            (LENGTH_OF_8, [a, b, c, d, e, f, g, h, ..]) => {
                (10, u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]))
            }
            (LENGTH_OF_2 | LENGTH_OF_8, _) => return Ok(None),
            (short, _) => (2, u64::from(short)),
        };
        Ok(Some(Self { is_final: first & FIN != 0, opcode: first & OPCODE, length, payload }))
    }

    pub(super) fn is_control(&self) -> bool {
        self.opcode >= OPCODE_CONTROL
    }

    pub(super) fn is_whole_text(&self) -> bool {
        self.is_final && self.opcode == OPCODE_TEXT
    }
}

/// The header of one whole text frame.
pub(crate) fn text_header(payload: usize) -> Bytes {
    let mut header = BytesMut::with_capacity(HEADER_BYTES_MAX);
    put_header(&mut header, payload);
    header.freeze()
}

/// One whole text frame of these parts.
pub(crate) fn text_frame(parts: &[&str]) -> Bytes {
    let payload = parts.iter().map(|part| part.len()).sum();
    let mut frame = BytesMut::with_capacity(HEADER_BYTES_MAX + payload);
    put_header(&mut frame, payload);
    for part in parts {
        frame.put_slice(part.as_bytes());
    }
    frame.freeze()
}

fn put_header(frame: &mut BytesMut, payload: usize) {
    frame.put_u8(FIN | OPCODE_TEXT);
    match (u8::try_from(payload), u16::try_from(payload)) {
        (Ok(short), _) if short < LENGTH_OF_2 => frame.put_u8(short),
        (_, Ok(medium)) => {
            frame.put_u8(LENGTH_OF_2);
            frame.put_u16(medium);
        }
        (_, Err(_)) => {
            frame.put_u8(LENGTH_OF_8);
            frame.put_u64(payload as u64);
        }
    }
}
