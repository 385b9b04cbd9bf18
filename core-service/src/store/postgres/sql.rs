//! What the engines have in common, in PostgreSQL's words.

use std::error::Error as StdError;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::connection::Connection;
use super::failure::{Failure, Trouble};
use crate::store::Error;
use crate::store::sql::row::Field;
use crate::store::sql::{Row, Sql, Value};

impl Sql for Connection {
    type Error = Trouble;

    const EACH: &'static str = "json_array_elements(CAST(CAST(?1 AS text) AS json))";

    fn rows(&self, sql: &str, wanted: &[Value<'_>]) -> Result<Vec<Row>, Failure> {
        let found = self.query(sql, &parameters(wanted)).map_err(Failure::Engine)?;
        Ok(found.iter().map(read).collect::<Result<_, Error>>()?)
    }

    fn execute(&self, sql: &str, wanted: &[Value<'_>]) -> Result<u64, Failure> {
        self.note_write();
        self.change(sql, &parameters(wanted)).map_err(Failure::Engine)
    }
}

fn parameters<'wanted>(wanted: &'wanted [Value<'_>]) -> Vec<&'wanted (dyn ToSql + Sync)> {
    wanted.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// What stands in a column.
pub(super) fn cell<'row, T: FromSql<'row>>(
    row: &'row tokio_postgres::Row,
    index: usize,
) -> Result<T, Error> {
    row.try_get(index).map_err(|error| Error::Damaged(error.to_string()))
}

/// A row as it came.
pub(super) fn read(row: &tokio_postgres::Row) -> Result<Row, Error> {
    let fields = row.columns().iter().enumerate().map(|(index, column)| {
        let field = match *column.type_() {
            Type::INT8 => cell::<Option<i64>>(row, index)?.map(Field::Number),
            Type::BYTEA => cell::<Option<&[u8]>>(row, index)?
                .map(|bytes| Field::Bytes(Bytes::copy_from_slice(bytes))),
            _ => cell::<Option<String>>(row, index)?.map(Field::Text),
        };
        Ok(field.unwrap_or(Field::Null))
    });
    Ok(Row(fields.collect::<Result<_, Error>>()?))
}

/// What a parameter shares with the event that it is of.
#[derive(Debug)]
pub(super) struct Lent<T>(pub(super) T);

macro_rules! lent {
    ($owner:ty as $value:ty) => {
        impl ToSql for Lent<$owner> {
            fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Written {
                <&$value>::to_sql(&&*self.0, kind, out)
            }

            fn accepts(kind: &Type) -> bool {
                <&$value as ToSql>::accepts(kind)
            }

            to_sql_checked!();
        }
    };
}

lent!(Arc<str> as str);
lent!(Bytes as [u8]);

/// What becomes of a parameter.
type Written = Result<IsNull, Box<dyn StdError + Sync + Send>>;

impl ToSql for Value<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Written {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Number(number) => number.to_sql(kind, out),
            Value::Text(text) => text.to_sql(kind, out),
            Value::Bytes(bytes) => bytes.to_sql(kind, out),
        }
    }

    /// All of the schema's columns have one of three types: a statement that mixes them up fails at once.
    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::TEXT | Type::BYTEA)
    }

    to_sql_checked!();
}
