//! What the engines have in common, in SQLite's words.

use bytes::Bytes;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql, params_from_iter};

use super::failure::Failure;
use crate::store::Error;
use crate::store::sql::row::Field;
use crate::store::sql::{Row, Sql, Value};

impl Sql for Connection {
    type Error = rusqlite::Error;

    const EACH: &'static str = "json_each(?1)";

    fn rows(&self, sql: &str, wanted: &[Value<'_>]) -> Result<Vec<Row>, Failure> {
        let mut statement = self.prepare_cached(sql)?;
        let columns = statement.column_count();
        let mut found = statement.query(params_from_iter(wanted))?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            let fields = (0..columns).map(|index| field(row.get_ref(index)?));
            rows.push(Row(fields.collect::<Result<_, Failure>>()?));
        }
        Ok(rows)
    }

    fn execute(&self, sql: &str, wanted: &[Value<'_>]) -> Result<u64, Failure> {
        Ok(self.prepare_cached(sql)?.execute(params_from_iter(wanted))? as u64)
    }

    fn index_hint(index: &str) -> String {
        format!("INDEXED BY {index}")
    }
}

fn field(value: ValueRef<'_>) -> Result<Field, Failure> {
    Ok(match value {
        ValueRef::Null => Field::Null,
        ValueRef::Integer(number) => Field::Number(number),
        ValueRef::Text(text) => Field::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Field::Bytes(Bytes::copy_from_slice(bytes)),
        ValueRef::Real(_) => return Err(Error::Damaged("a number is not whole".into()).into()),
    })
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Number(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
