//! What the SQL engines share: the statements that both of their dialects understand, and the rows
//! that those read and write. An engine keeps to itself what decides its speed: topics, events, jobs'
//! records and idempotency keys.

pub(crate) mod access;
pub(crate) mod agenda;
pub(crate) mod catalog;
pub(crate) mod copy;
pub(crate) mod edge;
pub(crate) mod graph;
pub(crate) mod jobs;
pub(crate) mod presence;
pub(crate) mod project;
pub(crate) mod room;
pub(crate) mod row;
pub(crate) mod session;
pub(crate) mod state;
pub(crate) mod topics;
pub(crate) mod usage;

use std::fmt;

use serde::Serialize;

use crate::domain::time::Time;
use crate::store::{Error, Refusal};
pub(crate) use catalog::Reads;
pub(crate) use row::Row;

/// A connection in a transaction: what one statement writes, the next one reads.
///
/// Statements number their parameters: `?1`, `?2`. A parameter that may be null is cast where its
/// type does not follow from a column.
pub(crate) trait Sql: Sized {
    /// How the engine fails.
    type Error: fmt::Debug;

    /// The first parameter as a table: for each array of a JSON array ([`json`]) a row `value`, whose
    /// elements are `value ->> 0` and so on. A statement of many rows is one wait for all of them.
    const EACH: &'static str;

    /// All rows that a statement finds or returns.
    fn rows(&self, sql: &str, wanted: &[Value<'_>]) -> Answer<Vec<Row>, Self>;

    /// How many rows a statement changes.
    fn execute(&self, sql: &str, wanted: &[Value<'_>]) -> Answer<u64, Self>;

    /// Names the index that a statement must walk, for an engine that has to be told.
    fn index_hint(_index: &str) -> String {
        String::new()
    }

    /// The first row.
    fn row(&self, sql: &str, wanted: &[Value<'_>]) -> Answer<Option<Row>, Self> {
        Ok(self.rows(sql, wanted)?.into_iter().next())
    }

    /// A number that is always there.
    fn number(&self, sql: &str, wanted: &[Value<'_>]) -> Answer<u64, Self> {
        let row = self.row(sql, wanted)?;
        let row = row.ok_or_else(|| Error::Damaged("a count is missing".into()))?;
        Ok(row.unsigned(0)?)
    }
}

/// What a step of a transaction comes to.
pub(crate) type Answer<T, S> = Result<T, Failure<<S as Sql>::Error>>;

/// Why a step of a transaction failed.
#[derive(Debug)]
pub(crate) enum Failure<E> {
    /// The command is not to be. Nothing of it was written.
    Refused(Error),
    /// It cannot be written, and part of it may be: the whole batch is rolled back.
    Broken(Error),
    /// The engine failed: the whole batch is rolled back.
    Engine(E),
}

impl<E> From<Error> for Failure<E> {
    fn from(error: Error) -> Failure<E> {
        Failure::Refused(error)
    }
}

impl<E> From<Refusal> for Failure<E> {
    fn from(refusal: Refusal) -> Failure<E> {
        Failure::Refused(Error::Refused(refusal))
    }
}

impl<E> From<crate::store::session::Refusal> for Failure<E> {
    fn from(refusal: crate::store::session::Refusal) -> Failure<E> {
        Refusal::Session(refusal).into()
    }
}

/// A parameter of a statement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'value> {
    Null,
    Number(i64),
    Text(&'value str),
    Bytes(&'value [u8]),
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Value::Number(number)
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Value::Number(number.into())
    }
}

impl From<u64> for Value<'_> {
    fn from(number: u64) -> Self {
        Value::Number(signed(number))
    }
}

impl From<usize> for Value<'_> {
    fn from(number: usize) -> Self {
        Value::from(number as u64)
    }
}

impl From<bool> for Value<'_> {
    fn from(is: bool) -> Self {
        Value::Number(is.into())
    }
}

impl From<Time> for Value<'_> {
    fn from(time: Time) -> Self {
        Value::from(time.0)
    }
}

impl<'value> From<&'value str> for Value<'value> {
    fn from(text: &'value str) -> Self {
        Value::Text(text)
    }
}

impl<'value> From<&'value String> for Value<'value> {
    fn from(text: &'value String) -> Self {
        Value::Text(text)
    }
}

impl<'value> From<&'value [u8]> for Value<'value> {
    fn from(bytes: &'value [u8]) -> Self {
        Value::Bytes(bytes)
    }
}

impl<'value> From<&'value Vec<u8>> for Value<'value> {
    fn from(bytes: &'value Vec<u8>) -> Self {
        Value::Bytes(bytes)
    }
}

impl<'value, T: Into<Value<'value>>> From<Option<T>> for Value<'value> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// Parameters of a statement, in their order.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::store::sql::Value::from($value)),*][..] };
}
pub(crate) use values;

/// What [`Sql::EACH`] reads: tuples, as arrays.
pub(crate) fn json(rows: impl Iterator<Item = impl Serialize>) -> Result<String, Error> {
    let rows = serde_json::to_string(&rows.collect::<Vec<_>>());
    rows.map_err(|error| Error::Damaged(error.to_string()))
}

/// SQL's integers have a sign. No offset, size or moment of ours comes near 2^63.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
