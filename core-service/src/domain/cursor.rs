//! A cursor: what a reader holds. It names the last event the reader has, and the writer session
//! that committed it, so that a history that was rewound or begun anew is seen (as Raft checks index
//! and term).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::name::fingerprint;
use crate::domain::topic::Topic;

/// No log comes near it, and whoever counts on from a cursor that a reader has made up stays below 2^64.
const OFFSET_MAX: u64 = u64::MAX >> 1;

/// Offset and stamp of an event. Offset 0 is the place before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Cursor {
    /// Position in the topic, from 1.
    pub offset: u64,
    /// The writer session that committed the event; 0 at offset 0.
    pub stamp: u32,
}

/// Why a token is not a cursor of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotACursor {
    /// Not a token of ours at all.
    #[error("the cursor is malformed; hand back one that came with an event, or none")]
    Malformed,
    /// A token of ours, of another topic.
    #[error("the cursor belongs to another topic")]
    Foreign,
}

impl Cursor {
    /// Before the first event.
    pub const START: Cursor = Cursor { offset: 0, stamp: 0 };

    /// The opaque text that readers hold: 22 characters.
    #[must_use]
    pub fn token(self, topic: &Topic) -> String {
        let mut bytes = [0_u8; 16];
        bytes[..4].copy_from_slice(&mark(topic));
        bytes[4..8].copy_from_slice(&self.stamp.to_be_bytes());
        bytes[8..].copy_from_slice(&self.offset.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a token back.
    ///
    /// # Errors
    /// When it is malformed or of another topic.
    pub fn parse(token: &str, topic: &Topic) -> Result<Cursor, NotACursor> {
        let mut bytes = [0_u8; 16];
        match URL_SAFE_NO_PAD.decode_slice(token, &mut bytes) {
            Ok(16) => {}
            Ok(_) | Err(_) => return Err(NotACursor::Malformed),
        }
        if bytes[..4] != mark(topic) {
            return Err(NotACursor::Foreign);
        }
        let stamp = u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
        let offset = bytes[8..].iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        if offset > OFFSET_MAX {
            return Err(NotACursor::Malformed);
        }
        Ok(Cursor { offset, stamp })
    }
}

/// Ties a cursor to its topic.
fn mark(topic: &Topic) -> [u8; 4] {
    let hash = fingerprint(&[topic.tenant().as_bytes(), topic.full().as_bytes()]);
    let [a, b, c, d, ..] = hash.to_be_bytes();
    [a, b, c, d]
}

/// How a reader may go on from the cursor it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// The history after it is whole.
    Whole,
    /// Events after it are past their retention.
    Trimmed,
    /// It belongs to another history.
    Forked,
    /// It lies after the head.
    Ahead,
}

impl Resume {
    /// Judges `cursor` against a topic that keeps `(floor, head]`; `stamp_at` is the stamp of the
    /// event at the cursor's offset, if that event is retained.
    #[must_use]
    pub fn judge(cursor: Cursor, floor: u64, head: Cursor, stamp_at: Option<u32>) -> Resume {
        if cursor.offset == head.offset && cursor.stamp == head.stamp {
            return Resume::Whole;
        }
        if cursor.offset > head.offset {
            return Resume::Ahead;
        }
        if cursor.offset < floor {
            return Resume::Trimmed;
        }
        match stamp_at {
            _ if cursor.offset == 0 => Resume::Whole,
            Some(stamp) if stamp == cursor.stamp => Resume::Whole,
            Some(_) => Resume::Forked,
            // The event itself is trimmed, all after it are there; whose it was cannot be told.
            None => Resume::Trimmed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::topic::Kind;

    #[test]
    fn a_token_reads_back_and_belongs_to_its_topic_alone() {
        let topic = Topic::new("acme", Kind::Room, "a").expect("a topic");
        let cursor = Cursor { offset: OFFSET_MAX, stamp: 0xdead_beef };
        let token = cursor.token(&topic);
        assert_eq!(Cursor::parse(&token, &topic), Ok(cursor));
        for other in [Topic::new("acme", Kind::Room, "b"), Topic::new("evil", Kind::Room, "a")] {
            assert_eq!(Cursor::parse(&token, &other.expect("a topic")), Err(NotACursor::Foreign));
        }
        let beyond = Cursor { offset: OFFSET_MAX + 1, ..cursor }.token(&topic);
        for wrong in ["", "x", "!!!!", &token[1..], &format!("{token}A"), &beyond] {
            assert_eq!(Cursor::parse(wrong, &topic), Err(NotACursor::Malformed), "{wrong}");
        }
    }

    #[test]
    fn every_cursor_has_one_answer() {
        let head = Cursor { offset: 9, stamp: 7 };
        let check = |offset, stamp, stamp_at, expected| {
            assert_eq!(Resume::judge(Cursor { offset, stamp }, 3, head, stamp_at), expected);
        };
        check(9, 7, Some(7), Resume::Whole);
        check(5, 6, Some(6), Resume::Whole);
        check(5, 6, Some(7), Resume::Forked);
        check(9, 6, Some(7), Resume::Forked);
        check(10, 7, None, Resume::Ahead);
        check(2, 6, None, Resume::Trimmed);
        check(3, 6, None, Resume::Trimmed);
        assert_eq!(Resume::judge(Cursor::START, 0, head, None), Resume::Whole);
        assert_eq!(Resume::judge(Cursor::START, 1, head, None), Resume::Trimmed);
        assert_eq!(Resume::judge(Cursor::START, 0, Cursor::START, None), Resume::Whole);
    }
}
