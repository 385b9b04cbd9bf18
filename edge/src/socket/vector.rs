//! The cursors of all topics of a socket, as one text: what a client hands back to go on everywhere at
//! once. Pure.

use std::collections::BTreeMap;

/// What every offset of ours begins with: the version of its form.
const VERSION: &str = "rc1";
const SEPARATOR: char = '~';
/// Stands for a vector that is too long to be recovered.
const TOO_LONG: &str = "rc1!";
/// Topics of one vector: a page of jobs, their list and the dashboard's rooms. It goes out with every event of
/// the socket, some sixty bytes for each.
pub(super) const RECOVERABLE_TOPICS_MAX: usize = 32;
/// Longest offset that is looked at: of so many topics with the longest names.
const OFFSET_BYTES_MAX: usize = 8 * 1024;

/// Topics, each with the cursor of the last event the client has; none where it may lack the snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Vector(BTreeMap<String, String>);

impl Vector {
    /// Reads an offset back. None where it is not one of ours, or was changed on the way.
    pub(super) fn parse(offset: &str) -> Option<Self> {
        if offset.len() > OFFSET_BYTES_MAX {
            return None;
        }
        let (body, checksum) = offset.rsplit_once(SEPARATOR)?;
        if checksum != self::checksum(body) {
            return None;
        }
        let mut parts = body.split(SEPARATOR);
        if parts.next() != Some(VERSION) {
            return None;
        }
        let mut topics = BTreeMap::new();
        while let Some(topic) = parts.next() {
            topics.insert(topic.to_owned(), parts.next()?.to_owned());
        }
        (topics.len() <= RECOVERABLE_TOPICS_MAX).then_some(Self(topics))
    }

    /// The offset of an event: the text that clients take it from.
    pub(super) fn offset(&self) -> String {
        if !self.is_recoverable() {
            return TOO_LONG.to_owned();
        }
        let mut offset = String::from(VERSION);
        for part in self.0.iter().flat_map(|(topic, cursor)| [topic, cursor]) {
            offset.push(SEPARATOR);
            offset.push_str(part);
        }
        sealed(&offset)
    }

    /// Whether the socket could be recovered with all it has joined.
    pub(super) fn is_recoverable(&self) -> bool {
        self.0.len() <= RECOVERABLE_TOPICS_MAX
    }

    /// The client has all up to this cursor; none says that it lacks the topic's snapshot.
    pub(super) fn place(&mut self, topic: &str, cursor: Option<&str>) {
        self.0.insert(topic.to_owned(), cursor.unwrap_or_default().to_owned());
    }

    /// An event of a topic that is followed. Answers the cursor before it.
    pub(super) fn advance(&mut self, topic: &str, cursor: &str) -> Option<String> {
        let place = self.0.get_mut(topic)?;
        Some(std::mem::replace(place, cursor.to_owned()))
    }

    /// Answers whether it was there.
    pub(super) fn leave(&mut self, topic: &str) -> bool {
        self.0.remove(topic).is_some()
    }

    pub(super) fn into_topics(self) -> BTreeMap<String, String> {
        self.0
    }
}

/// A body with its checksum.
pub(super) fn sealed(body: &str) -> String {
    format!("{body}{SEPARATOR}{}", checksum(body))
}

/// FNV-1a: what is no offset of ours does not pass for one. It proves nothing about who made it; the
/// core judges every cursor and every right.
fn checksum(text: &str) -> String {
    let hash = text
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{hash:08x}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn vector(topics: &[(&str, &str)]) -> Vector {
        Vector(topics.iter().map(|(topic, cursor)| ((*topic).into(), (*cursor).into())).collect())
    }

    #[test]
    fn a_vector_comes_back_as_it_was() {
        for topics in [&[][..], &[("room:a", "c")], &[("job:1", ""), ("user:.40b", "-_")]] {
            let vector = vector(topics);
            assert_eq!(Vector::parse(&vector.offset()), Some(vector));
        }
    }

    #[test]
    fn what_is_no_offset_of_ours_is_none() {
        let offset = vector(&[("room:a", "cursor")]).offset();
        let changed = offset.replace("room:a", "room:b");
        let cut = &offset[..offset.len() - 1];
        for text in ["", "connected", "rc1", "rc1~", TOO_LONG, "~", &changed, cut, "rc2~811c9dc5"] {
            assert_eq!(Vector::parse(text), None, "{text}");
        }
    }

    #[test]
    fn one_topic_too_many_cannot_be_recovered_until_it_is_left() {
        let mut vector = Vector::default();
        for number in 0..=RECOVERABLE_TOPICS_MAX {
            vector.place(&format!("job:{number}"), Some("c"));
        }
        assert!(!vector.is_recoverable());
        assert_eq!(Vector::parse(&vector.offset()), None);
        vector.leave("job:0");
        assert_eq!(Vector::parse(&vector.offset()), Some(vector));
    }

    #[test]
    fn an_offset_of_the_longest_names_is_looked_at() {
        let mut vector = Vector::default();
        for number in 0..RECOVERABLE_TOPICS_MAX {
            vector.place(&format!("session:{number:0>128}"), Some(&"c".repeat(22)));
        }
        assert_eq!(Vector::parse(&vector.offset()), Some(vector));
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_makes_it_panic(text in ".{0,200}") {
            let _ = Vector::parse(&text);
        }
    }
}
