//! Where the topics stand, in memory: the writer is the only one who moves them, so it reads a
//! topic's row once and writes it once per batch, however many events the batch appends.

use lru::LruCache;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::chain::Chain;
use super::failure::{self, Failure};
use super::output::Marks;
use super::row;
use crate::domain::cursor::Cursor;
use crate::domain::event::Event;
use crate::domain::time::Time;
use crate::domain::topic::Topic;
use crate::store::Error;
use crate::store::types::Types;

/// Topics in memory: some 350 bytes for the head, its names and its place in the cache, 300 more with the
/// first type of event and 50 with each other one: a room takes 700, a job 1 KB, all together 32 MB.
const TOPICS_MAX: usize = 32_768;
/// Types of events in memory, of all those topics: some 200 bytes each where their names are the longest. Four
/// of each topic, of which most have fewer: where they have more, there is room for fewer topics.
const TYPES_MAX: usize = 4 * TOPICS_MAX;

/// A topic's row.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// 0 until something is written.
    pub(super) id: i64,
    pub(super) cursor: Cursor,
    /// The row of the event at the cursor.
    pub(super) last: i64,
    pub(super) floor: u64,
    pub(super) bytes: u64,
    pub(super) output: Marks,
    types: Types,
    /// How many of its types count as being in memory.
    counted: usize,
    pub(super) oldest: Option<Time>,
    pub(super) ended_at: Option<Time>,
    change: Change,
}

/// What of a row is not yet written.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    #[default]
    None,
    /// Only the head moved: no index does.
    Head,
    /// All of it.
    Row,
}

impl Head {
    /// Moves the head past an event that lies in `row` with a body of so many bytes.
    pub(super) fn advance(&mut self, event: &Event, row: i64, bytes: u64) {
        let mut change = Change::Head;
        if self.cursor.offset == self.floor {
            self.oldest = Some(event.time);
            change = Change::Row;
        }
        self.cursor = event.cursor;
        self.last = row;
        self.bytes += bytes;
        self.change = self.change.max(change);
        self.types.note(&event.kind, event.cursor.offset);
    }

    /// Forgets the oldest events. `oldest` is the time of the first one that stays.
    pub(super) fn raise(&mut self, floor: u64, bytes: u64, oldest: Option<Time>) {
        self.floor = floor;
        self.bytes = self.bytes.saturating_sub(bytes);
        self.oldest = oldest;
        self.types.raise(floor);
        self.change = Change::Row;
    }

    /// Notes when the job or session ended that this is the log of; none once all of it is gone.
    pub(super) fn end(&mut self, at: Option<Time>) {
        self.ended_at = at;
        // Nothing is put out any more.
        self.output = Marks::default();
        self.change = Change::Row;
    }

    /// The chain of the retained events of `topic`, whose head this is.
    pub(super) fn chain<'topic>(&self, topic: &'topic Topic) -> Chain<'topic> {
        let (id, floor, head, last) = (self.id, self.floor, self.cursor.offset, self.last);
        Chain { topic, id, floor, head, last }
    }

    /// How many events are retained.
    pub(super) fn events(&self) -> u64 {
        self.cursor.offset - self.floor
    }
}

/// The heads that were used last.
#[derive(Debug)]
pub(super) struct Heads {
    cache: LruCache<Topic, Head>,
    /// Their types, as they are counted.
    types: usize,
    touched: Vec<Topic>,
}

impl Heads {
    pub(super) fn new() -> Heads {
        // It lets go of none by itself, which might be of one that is not yet written.
        Heads { cache: LruCache::unbounded(), types: 0, touched: Vec::new() }
    }

    /// A topic as it stands in this transaction, to look at.
    pub(super) fn get(
        &mut self,
        connection: &Connection,
        topic: &Topic,
    ) -> Result<&mut Head, Failure> {
        held((&mut self.cache, &mut self.types), connection, topic)
    }

    /// A topic to change, with a row. [`Heads::flush`] writes it.
    pub(super) fn touch(
        &mut self,
        connection: &Connection,
        topic: &Topic,
    ) -> Result<&mut Head, Failure> {
        let head = held((&mut self.cache, &mut self.types), connection, topic)?;
        if head.change == Change::None {
            head.change = Change::Head;
            self.touched.push(topic.clone());
        }
        if head.id == 0 {
            head.id = insert(connection, topic)?;
        }
        Ok(head)
    }

    /// Writes what changed: one update per topic. Then those that were used longest ago give way, where there
    /// are too many.
    pub(super) fn flush(&mut self, connection: &Connection) -> Result<(), Failure> {
        for topic in self.touched.drain(..) {
            let head = self.cache.peek_mut(&topic).ok_or_else(|| lost(&topic))?;
            match head.change {
                Change::None => {}
                Change::Head => update_head(connection, head)?,
                Change::Row => update_row(connection, head)?,
            }
            head.change = Change::None;
            count(&mut self.types, head);
        }
        while self.cache.len() > TOPICS_MAX || self.types > TYPES_MAX {
            let Some((_, gone)) = self.cache.pop_lru() else { break };
            self.types -= gone.counted;
        }
        Ok(())
    }

    /// Deletes a topic that holds nothing, and whose name is never used again.
    pub(super) fn delete(&mut self, connection: &Connection, topic: &Topic) -> Result<(), Failure> {
        self.flush(connection)?;
        let id = self.get(connection, topic)?.id;
        for sql in ["DELETE FROM topic_head WHERE topic = ?1", "DELETE FROM topic WHERE id = ?1"] {
            connection.prepare_cached(sql)?.execute([id])?;
        }
        if let Some(gone) = self.cache.pop(topic) {
            self.types -= gone.counted;
        }
        Ok(())
    }

    /// Forgets everything, after a rollback.
    pub(super) fn clear(&mut self) {
        self.cache.clear();
        self.types = 0;
        self.touched.clear();
    }
}

fn held<'cache>(
    (cache, types): (&'cache mut LruCache<Topic, Head>, &mut usize),
    connection: &Connection,
    topic: &Topic,
) -> Result<&'cache mut Head, Failure> {
    let read = || load(connection, topic).map(Option::unwrap_or_default);
    let head = cache.try_get_or_insert_mut_ref(topic, read)?;
    count(types, head);
    Ok(head)
}

/// Takes what became of a head's types into the number of all.
fn count(types: &mut usize, head: &mut Head) {
    *types = *types + head.types.len() - head.counted;
    head.counted = head.types.len();
}

fn lost(topic: &Topic) -> Failure {
    Failure::Broken(Error::Damaged(format!("the head of {topic} fell out of memory")))
}

fn load(connection: &Connection, topic: &Topic) -> Result<Option<Head>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT id, head, stamp, floor, bytes, types, oldest, ended_at, last
         FROM topic JOIN topic_head ON topic = id
         WHERE kind = ?1 AND tenant = ?2 AND name = ?3",
    )?;
    let key = params![row::kind_number(topic.kind()), topic.tenant(), topic.name()];
    let head = statement.query_row(key, |found| {
        let types: String = found.get(5)?;
        let head = Head {
            id: found.get(0)?,
            cursor: row::cursor(found, 1)?,
            last: found.get(8)?,
            floor: row::unsigned(found, 3)?,
            bytes: row::unsigned(found, 4)?,
            output: Marks::default(),
            types: Types::default(),
            counted: 0,
            oldest: row::time(found, 6)?,
            ended_at: row::time(found, 7)?,
            change: Change::None,
        };
        Ok((head, types))
    });
    let head = head.optional().map_err(failure::of_looking)?;
    let Some((mut head, types)) = head else { return Ok(None) };
    head.types = Types::read(&types)?;
    Ok(Some(head))
}

fn insert(connection: &Connection, topic: &Topic) -> Result<i64, Failure> {
    let mut statement =
        connection.prepare_cached("INSERT INTO topic(kind, tenant, name) VALUES(?1, ?2, ?3)")?;
    let key = params![row::kind_number(topic.kind()), topic.tenant(), topic.name()];
    let id = statement.insert(key)?;
    connection.prepare_cached("INSERT INTO topic_head(topic) VALUES(?1)")?.execute([id])?;
    Ok(id)
}

fn update_head(connection: &Connection, head: &Head) -> Result<(), Failure> {
    let mut statement = connection.prepare_cached(
        "UPDATE topic_head SET head = ?2, stamp = ?3, bytes = ?4, types = ?5, last = ?6
         WHERE topic = ?1",
    )?;
    statement.execute(params![
        head.id,
        row::signed(head.cursor.offset),
        head.cursor.stamp,
        row::signed(head.bytes),
        head.types.stored().map_err(Failure::Broken)?,
        head.last,
    ])?;
    Ok(())
}

fn update_row(connection: &Connection, head: &Head) -> Result<(), Failure> {
    update_head(connection, head)?;
    let mut statement = connection
        .prepare_cached("UPDATE topic SET floor = ?2, oldest = ?3, ended_at = ?4 WHERE id = ?1")?;
    statement.execute(params![
        head.id,
        row::signed(head.floor),
        head.oldest.map(|at| row::signed(at.0)),
        head.ended_at.map(|at| row::signed(at.0)),
    ])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tempfile::TempDir;

    use super::*;
    use crate::domain::event::Body;
    use crate::domain::payload::Payload;
    use crate::domain::topic::Kind;
    use crate::store::sqlite::connection::{Synchronous, open_writer};

    /// As many types as are known of one topic.
    const OWN: usize = 64;

    fn room(number: usize) -> Topic {
        Topic::new("acme", Kind::Room, &number.to_string()).expect("a topic")
    }

    fn event(topic: &Topic, offset: u64) -> Event {
        Event {
            topic: topic.clone(),
            cursor: Cursor { offset, stamp: 7 },
            time: Time(1),
            trace: None,
            kind: Arc::from(offset.to_string()),
            body: Body::Payload(Payload::json("{}")),
        }
    }

    #[test]
    fn no_crowd_of_topics_and_of_their_types_takes_more_memory() {
        let folder = TempDir::new().expect("a folder");
        let connection = open_writer(folder.path(), Synchronous::Normal).expect("opens");
        connection.execute_batch("BEGIN").expect("begins");
        let mut heads = Heads::new();
        let fitting = TYPES_MAX / OWN;
        for number in 0..=fitting {
            let topic = room(number);
            let head = heads.touch(&connection, &topic).expect("a head");
            (1..=OWN as u64).for_each(|offset| head.advance(&event(&topic, offset), 1, 1));
            heads.flush(&connection).expect("written");
        }
        assert_eq!((heads.cache.len(), heads.types), (fitting, TYPES_MAX));
        assert!(!heads.cache.contains(&room(0)));
        let head = heads.get(&connection, &room(0)).expect("a head");
        assert_eq!((head.cursor.offset, head.types.len()), (OWN as u64, OWN), "it was written");
        for number in fitting..=fitting + TOPICS_MAX {
            heads.get(&connection, &room(number)).expect("a head");
        }
        heads.flush(&connection).expect("written");
        assert_eq!((heads.cache.len(), heads.types), (TOPICS_MAX, 0));
    }
}
