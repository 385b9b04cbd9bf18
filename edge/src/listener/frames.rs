//! Counts the frames that a WebSocket client writes, however the reads are cut. Pure: payloads are
//! stepped over and never looked at.

const LENGTH: u8 = 0x7f;
const IS_MASKED: u8 = 0x80;
const LENGTH_IN_TWO: u8 = 126;
const LENGTH_IN_EIGHT: u8 = 127;
/// Longest head: two bytes, eight of length, four of mask.
const HEAD_BYTES_MAX: usize = 14;

/// Where in its frames a client is.
#[derive(Debug, Default)]
pub struct Frames {
    head: [u8; HEAD_BYTES_MAX],
    /// Bytes of the head that have come.
    head_bytes: usize,
    /// Bytes of the payload that have not.
    payload_left: u64,
}

impl Frames {
    /// More was read. Answers how many frames begin in it.
    pub fn feed(&mut self, mut bytes: &[u8]) -> u32 {
        let mut begun = 0;
        while !bytes.is_empty() {
            if self.payload_left > 0 {
                let step = usize::try_from(self.payload_left).unwrap_or(usize::MAX);
                let step = step.min(bytes.len());
                self.payload_left -= step as u64;
                bytes = &bytes[step..];
                continue;
            }
            begun += u32::from(self.head_bytes == 0);
            self.head[self.head_bytes] = bytes[0];
            self.head_bytes += 1;
            bytes = &bytes[1..];
            if self.head_bytes >= 2 && self.head_bytes == self.head_length() {
                self.payload_left = self.payload_length();
                self.head_bytes = 0;
            }
        }
        begun
    }

    /// Whether no frame is under way.
    #[must_use]
    pub fn is_between(&self) -> bool {
        self.head_bytes == 0 && self.payload_left == 0
    }

    fn head_length(&self) -> usize {
        let length = match self.head[1] & LENGTH {
            LENGTH_IN_TWO => 2,
            LENGTH_IN_EIGHT => 8,
            _ => 0,
        };
        2 + length + if self.head[1] & IS_MASKED == 0 { 0 } else { 4 }
    }

    fn payload_length(&self) -> u64 {
        let [_, second, a, b, c, d, e, f, g, h, ..] = self.head;
        match second & LENGTH {
            LENGTH_IN_TWO => u64::from(u16::from_be_bytes([a, b])),
            LENGTH_IN_EIGHT => u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            length => u64::from(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(length: usize) -> Vec<u8> {
        let mut frame = vec![0x81];
        match length {
            0..=125 => frame.push(IS_MASKED | length as u8),
            126..=0xffff => {
                frame.push(IS_MASKED | LENGTH_IN_TWO);
                frame.extend_from_slice(&(length as u16).to_be_bytes());
            }
            _ => {
                frame.push(IS_MASKED | LENGTH_IN_EIGHT);
                frame.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        frame.extend_from_slice(&[7; 4]);
        frame.resize(frame.len() + length, 0x81);
        frame
    }

    proptest! {
        #[test]
        fn frames_are_counted_however_the_reads_are_cut(
            lengths in prop::collection::vec(
                prop_oneof![0usize..4, 120usize..130, 65_530usize..65_540], 1..8),
            cuts in prop::collection::vec(1usize..5000, 1..64),
        ) {
            let stream: Vec<u8> = lengths.iter().flat_map(|length| frame(*length)).collect();
            let (mut frames, mut counted, mut rest) = (Frames::default(), 0, &stream[..]);
            for cut in cuts.iter().cycle() {
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                counted += frames.feed(now);
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(counted as usize, lengths.len());
            prop_assert!(frames.is_between());
        }
    }
}
