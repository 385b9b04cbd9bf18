//! Lists of topics.

use super::row::kind_number;
use super::{Answer, Sql, values};
use crate::domain::cursor::Cursor;
use crate::domain::time::Time;
use crate::store::{TopicLine, TopicQuery};

/// Comes after every character of a name, so that a prefix is a range of the index.
const AFTER_NAMES: char = '~';

/// By kind and name.
pub(crate) fn list<S: Sql>(sql: &S, query: &TopicQuery) -> Answer<Vec<TopicLine>, S> {
    let TopicQuery { tenant, kinds, prefix, after, limit } = query;
    let (mut after, end) = (after.as_deref().unwrap_or_default(), format!("{prefix}{AFTER_NAMES}"));
    let mut lines = Vec::new();
    for kind in kinds {
        let found = sql.rows(
            "SELECT t.kind, t.tenant, t.name, h.head, h.stamp, t.floor, bytes, t.oldest
             FROM topic t JOIN topic_head h ON h.topic = t.id
             WHERE t.kind = ?1 AND t.tenant = ?2 AND t.name > ?3 AND t.name >= ?4 AND t.name < ?5
             AND h.head > 0 ORDER BY t.name LIMIT ?6",
            values![kind_number(*kind), tenant, after, prefix, &end, limit - lines.len()],
        )?;
        for row in found {
            lines.push(TopicLine {
                topic: row.topic(0)?,
                head: Cursor { offset: row.unsigned(3)?, stamp: row.small(4)? },
                floor: row.unsigned(5)?,
                bytes: row.unsigned(6)?,
                oldest: row.optional_number(7)?.map(|_| row.unsigned(7)).transpose()?.map(Time),
            });
        }
        if lines.len() >= *limit {
            break;
        }
        after = "";
    }
    Ok(lines)
}
