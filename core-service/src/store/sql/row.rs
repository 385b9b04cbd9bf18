//! Rows as statements give them, and domain values in rows.

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::domain::cursor::Cursor;
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};
use crate::store::{Error, codec};

/// A row that was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row(pub(crate) Vec<Field>);

/// What stands in a column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Field {
    Null,
    Number(i64),
    Text(String),
    Bytes(Bytes),
}

impl Row {
    /// A number.
    pub(crate) fn number(&self, index: usize) -> Result<i64, Error> {
        self.optional_number(index)?.ok_or_else(|| unlike("a number", index))
    }

    /// A number, or none.
    pub(crate) fn optional_number(&self, index: usize) -> Result<Option<i64>, Error> {
        match self.0.get(index) {
            Some(Field::Number(number)) => Ok(Some(*number)),
            Some(Field::Null) => Ok(None),
            Some(Field::Text(_) | Field::Bytes(_)) | None => Err(unlike("a number", index)),
        }
    }

    /// A number that is never negative.
    pub(crate) fn unsigned(&self, index: usize) -> Result<u64, Error> {
        u64::try_from(self.number(index)?).map_err(|_| unlike("a positive number", index))
    }

    /// A small number that is never negative.
    pub(crate) fn small(&self, index: usize) -> Result<u32, Error> {
        u32::try_from(self.number(index)?).map_err(|_| unlike("a small number", index))
    }

    /// Whether a number is not zero.
    pub(crate) fn is(&self, index: usize) -> Result<bool, Error> {
        Ok(self.number(index)? != 0)
    }

    /// A text.
    pub(crate) fn text(&self, index: usize) -> Result<String, Error> {
        self.optional_text(index)?.ok_or_else(|| unlike("a text", index))
    }

    /// A text, or none.
    pub(crate) fn optional_text(&self, index: usize) -> Result<Option<String>, Error> {
        match self.0.get(index) {
            Some(Field::Text(text)) => Ok(Some(text.clone())),
            Some(Field::Null) => Ok(None),
            Some(Field::Number(_) | Field::Bytes(_)) | None => Err(unlike("a text", index)),
        }
    }

    /// Bytes.
    pub(crate) fn bytes(&self, index: usize) -> Result<Bytes, Error> {
        self.optional_bytes(index)?.ok_or_else(|| unlike("bytes", index))
    }

    /// Bytes, or none.
    pub(crate) fn optional_bytes(&self, index: usize) -> Result<Option<Bytes>, Error> {
        match self.0.get(index) {
            Some(Field::Bytes(bytes)) => Ok(Some(bytes.clone())),
            Some(Field::Null) => Ok(None),
            Some(Field::Number(_) | Field::Text(_)) | None => Err(unlike("bytes", index)),
        }
    }

    /// A document of ours.
    pub(crate) fn doc<T: DeserializeOwned>(&self, index: usize) -> Result<T, Error> {
        match self.0.get(index) {
            Some(Field::Bytes(bytes)) => codec::from_json(bytes),
            Some(Field::Text(text)) => codec::from_json(text.as_bytes()),
            Some(Field::Null | Field::Number(_)) | None => Err(unlike("a document", index)),
        }
    }

    /// A moment that may be missing.
    pub(crate) fn time(&self, index: usize) -> Result<Option<Time>, Error> {
        Ok(self.optional_number(index)?.map(|at| Time(at.unsigned_abs())))
    }

    /// A cursor in two columns that follow each other.
    pub(crate) fn cursor(&self, index: usize) -> Result<Cursor, Error> {
        Ok(Cursor { offset: self.unsigned(index)?, stamp: self.small(index + 1)? })
    }

    /// A topic in the columns kind, tenant, name.
    pub(crate) fn topic(&self, index: usize) -> Result<Topic, Error> {
        let number = self.number(index)?;
        let kind = KINDS.into_iter().find(|kind| kind_number(*kind) == number);
        let kind = kind.ok_or_else(|| Error::Damaged(format!("no topic has kind {number}")))?;
        let (tenant, name) = (self.text(index + 1)?, self.text(index + 2)?);
        Topic::new(&tenant, kind, &name).map_err(|error| Error::Damaged(format!("{name}: {error}")))
    }
}

fn unlike(expected: &str, index: usize) -> Error {
    Error::Damaged(format!("column {index} of a row is not {expected}"))
}

/// A kind's stored number. Never change one.
pub(crate) const fn kind_number(kind: Kind) -> i64 {
    match kind {
        Kind::Job => 1,
        Kind::Session => 2,
        Kind::Project => 3,
        Kind::Room => 4,
        Kind::User => 5,
        Kind::Access => 6,
        Kind::Audit => 7,
    }
}

/// All kinds.
pub(crate) const KINDS: [Kind; 7] =
    [Kind::Job, Kind::Session, Kind::Project, Kind::Room, Kind::User, Kind::Access, Kind::Audit];
