//! How far an attempt's output has been shown, so that a snapshot after a reset repeats none of it.

use std::collections::BTreeMap;

/// Bytes shown, by channel. A new attempt begins anew.
#[derive(Debug, Default)]
pub(super) struct Written {
    attempt: u32,
    shown: BTreeMap<String, u64>,
}

impl Written {
    /// What a state with `sizes` has and was not shown, as channel, first byte and end.
    pub(super) fn missing(
        &mut self,
        attempt: u32,
        sizes: &BTreeMap<String, u64>,
    ) -> Vec<(String, u64, u64)> {
        self.turn_to(attempt);
        let mut missing: Vec<_> = sizes
            .iter()
            .map(|(channel, size)| (channel.clone(), self.shown_of(channel), *size))
            .filter(|(_, from, size)| from < size)
            .collect();
        // Standard output before standard error, whatever the map says.
        missing.sort_by(|(a, ..), (b, ..)| b.cmp(a));
        missing
    }

    /// The part of a piece that was not shown. From here on it counts as shown.
    pub(super) fn fresh<'a>(
        &mut self,
        attempt: u32,
        channel: &str,
        offset: u64,
        data: &'a [u8],
    ) -> &'a [u8] {
        self.turn_to(attempt);
        let shown = self.shown_of(channel);
        let end = offset + data.len() as u64;
        self.shown.insert(channel.to_owned(), end.max(shown));
        let known = usize::try_from(shown.saturating_sub(offset)).unwrap_or(usize::MAX);
        &data[known.min(data.len())..]
    }

    fn shown_of(&self, channel: &str) -> u64 {
        self.shown.get(channel).copied().unwrap_or(0)
    }

    fn turn_to(&mut self, attempt: u32) {
        if self.attempt != attempt {
            self.attempt = attempt;
            self.shown.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_shown_is_not_shown_again() {
        let mut written = Written::default();
        assert_eq!(written.fresh(1, "stdout", 0, b"abc"), b"abc");
        assert_eq!(written.fresh(1, "stdout", 0, b"abcde"), b"de");
        assert_eq!(written.fresh(1, "stdout", 2, b"cd"), b"");
        assert_eq!(written.fresh(1, "stderr", 0, b"x"), b"x");
        assert_eq!(written.fresh(2, "stdout", 0, b"abc"), b"abc", "another attempt");
    }

    #[test]
    fn a_snapshot_misses_what_came_before_it() {
        let mut written = Written::default();
        written.fresh(1, "stdout", 0, b"abc");
        let sizes = BTreeMap::from([("stdout".to_owned(), 5), ("stderr".to_owned(), 2)]);
        let missing = written.missing(1, &sizes);
        assert_eq!(missing, [("stdout".to_owned(), 3, 5), ("stderr".to_owned(), 0, 2)]);
        let sizes = BTreeMap::from([("stdout".to_owned(), 3)]);
        assert!(written.missing(1, &sizes).is_empty());
    }
}
