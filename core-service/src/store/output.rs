//! A job's output as it is put together from the events that hold it.

use bytes::BytesMut;

use crate::store::{Error, OutputQuery, Piece};

/// An output as far as it is read.
#[derive(Debug)]
pub(crate) struct Output<'query> {
    query: &'query OutputQuery,
    /// Where it begins.
    start: u64,
    /// Whether chunks before the first one that comes may be past their retention.
    may_begin_later: bool,
    bytes: BytesMut,
}

impl<'query> Output<'query> {
    /// An output of which the beginning may be gone, if it `is_trimmed`.
    pub(crate) fn new(query: &'query OutputQuery, is_trimmed: bool) -> Output<'query> {
        let bytes = BytesMut::new();
        Output { query, start: query.from, may_begin_later: is_trimmed, bytes }
    }

    pub(crate) fn is_enough(&self) -> bool {
        self.bytes.len() >= self.query.max
    }

    /// Takes what a chunk that begins at byte `start` holds of it. Chunks come in order.
    pub(crate) fn take(&mut self, start: u64, data: &[u8]) -> Result<(), Error> {
        if std::mem::take(&mut self.may_begin_later) {
            self.start = self.start.max(start);
        }
        let position = self.start + self.bytes.len() as u64;
        let skip = position.checked_sub(start).ok_or_else(|| {
            let job_id = &self.query.job_id;
            Error::Damaged(format!("output of {job_id} is missing before byte {start}"))
        })?;
        let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(data.len());
        let take = (data.len() - skip).min(self.query.max - self.bytes.len());
        self.bytes.extend_from_slice(&data[skip..skip + take]);
        Ok(())
    }

    pub(crate) fn finish(self) -> Piece {
        Piece { start: self.start, data: self.bytes.freeze() }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn query() -> OutputQuery {
        let (job_id, channel) = ("j".to_owned(), "stdout".to_owned());
        OutputQuery { job_id, attempt: 1, channel, from: 2, max: 9 }
    }

    #[test]
    fn a_hole_is_damage_unless_all_before_it_may_be_past_its_retention() {
        let query = query();
        let mut whole = Output::new(&query, false);
        assert!(matches!(whole.take(3, b"d"), Err(Error::Damaged(_))));
        let mut trimmed = Output::new(&query, true);
        trimmed.take(3, b"de").expect("the first one that is kept");
        assert!(matches!(trimmed.take(6, b"g"), Err(Error::Damaged(_))));
        assert_eq!(trimmed.finish(), Piece { start: 3, data: Bytes::from_static(b"de") });
    }

    #[test]
    fn of_an_output_that_is_gone_a_reader_goes_on_at_its_end() {
        let gone = Output::new(&query(), true).finish();
        assert_eq!(gone.clone().within(None).start, 2);
        assert_eq!(gone.clone().within(Some(7)).start, 7);
        assert_eq!(gone.within(Some(1)).start, 2, "a reader does not go back");
        let kept = Piece { start: 3, data: Bytes::from_static(b"de") };
        assert_eq!(kept.clone().within(Some(7)), kept);
    }
}
