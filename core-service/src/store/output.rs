//! A job's output as it is put together from the events that hold it.

use bytes::{Bytes, BytesMut};

use crate::store::{Error, OutputQuery};

/// An output as far as it is read.
#[derive(Debug)]
pub(crate) struct Output<'query> {
    query: &'query OutputQuery,
    bytes: BytesMut,
}

impl<'query> Output<'query> {
    pub(crate) fn new(query: &'query OutputQuery) -> Output<'query> {
        Output { query, bytes: BytesMut::new() }
    }

    pub(crate) fn is_enough(&self) -> bool {
        self.bytes.len() >= self.query.max
    }

    /// Takes what a chunk that begins at byte `start` holds of it. Chunks come in order.
    pub(crate) fn take(&mut self, start: u64, data: &[u8]) -> Result<(), Error> {
        let position = self.query.from + self.bytes.len() as u64;
        let skip = position.checked_sub(start).ok_or_else(|| {
            let job_id = &self.query.job_id;
            Error::Damaged(format!("output of {job_id} is missing before byte {start}"))
        })?;
        let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(data.len());
        let take = (data.len() - skip).min(self.query.max - self.bytes.len());
        self.bytes.extend_from_slice(&data[skip..skip + take]);
        Ok(())
    }

    pub(crate) fn freeze(self) -> Bytes {
        self.bytes.freeze()
    }
}
