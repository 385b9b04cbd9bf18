//! Where a job's output lies: its bytes are in the events of its topic, and marks lead there.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::chain::{Chain, MARK_EVERY};
use super::failure::Failure;
use super::read;
use super::row::{self, signed};
use crate::domain::event::Body;
use crate::domain::topic::{Kind, Topic};
use crate::store::output::Output;
use crate::store::{Error, OutputQuery, Piece, codec};

/// The newest marks of a job's running attempt, as far as the writer remembers them.
#[derive(Debug, Default)]
pub(super) struct Marks {
    attempt: u32,
    /// Channels, at most as many as a job may have, and the topic's offset where each is marked.
    channels: Vec<(String, u64)>,
}

impl Marks {
    /// Whether the chunk at `offset` of the topic wants a mark: none is so near before it that a
    /// reader who begins there comes by. A mark too many does no harm.
    pub(super) fn want(&mut self, attempt: u32, channel: &str, offset: u64) -> bool {
        if self.attempt != attempt {
            (self.attempt, self.channels) = (attempt, Vec::new());
        }
        match self.channels.iter_mut().find(|(name, _)| name == channel) {
            Some((_, marked)) if offset < *marked + MARK_EVERY => return false,
            Some((_, marked)) => *marked = offset,
            None => self.channels.push((channel.to_owned(), offset)),
        }
        true
    }
}

/// Marks a chunk of output that begins at byte `start` and is the topic's event at `offset`.
pub(super) fn mark(
    connection: &Connection,
    topic: i64,
    (attempt, channel): (u32, &str),
    start: u64,
    offset: u64,
) -> Result<(), Failure> {
    connection
        .prepare_cached("INSERT INTO output_mark VALUES(?1, ?2, ?3, ?4, ?5)")?
        .execute(params![topic, attempt, channel, signed(start), signed(offset)])?;
    Ok(())
}

/// Removes some marks of a job; answers how many.
pub(super) fn unmark(connection: &Connection, topic: i64, limit: usize) -> Result<usize, Failure> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM output_mark WHERE (topic, attempt, channel, start) IN
         (SELECT topic, attempt, channel, start FROM output_mark WHERE topic = ?1 LIMIT ?2)",
    )?;
    Ok(statement.execute(params![topic, signed(limit as u64)])?)
}

/// A piece of an attempt's output, from the events that hold it.
pub(super) fn read(connection: &Connection, query: &OutputQuery) -> Result<Piece, Failure> {
    let nothing = || Piece { start: query.from, data: Bytes::new() };
    let tenant = connection
        .prepare_cached("SELECT tenant FROM job WHERE job_id = ?1")?
        .query_row([&query.job_id], |found| found.get::<_, String>(0))
        .optional()?;
    let Some(tenant) = tenant else { return Ok(nothing()) };
    let topic = Topic::new(&tenant, Kind::Job, &query.job_id)
        .map_err(|error| Error::Damaged(format!("{}: {error}", query.job_id)))?;
    let Some(row) = read::find(connection, &topic)? else { return Ok(nothing()) };
    let chain = row.chain(&topic);
    let mut statement = connection.prepare_cached(
        "SELECT \"offset\" FROM output_mark WHERE topic = ?1 AND attempt = ?2 AND channel = ?3
         AND start >= coalesce((SELECT max(start) FROM output_mark WHERE topic = ?1
         AND attempt = ?2 AND channel = ?3 AND start <= ?4), ?4) ORDER BY start",
    )?;
    let OutputQuery { attempt, channel, from, .. } = query;
    let mut marks = statement.query(params![chain.id, attempt, channel, signed(*from)])?;
    let Some(first) = marks.next()? else { return Ok(nothing()) };
    let mut mark = row::unsigned(first, 0)?;
    // Marks outlive the events that they lead to.
    let output = Output::new(query, mark <= chain.floor);
    let mut reading = Reading { connection, query, output, seen: chain.floor };
    while !reading.output.is_enough() {
        reading.follow(&chain, mark)?;
        let Some(next) = marks.next()? else { break };
        mark = row::unsigned(next, 0)?;
    }
    Ok(reading.output.finish())
}

/// An output as far as it is read.
struct Reading<'query> {
    connection: &'query Connection,
    query: &'query OutputQuery,
    output: Output<'query>,
    /// Offset of the topic's last event that was looked at, or is gone.
    seen: u64,
}

impl Reading<'_> {
    /// Reads on from a mark: a chunk that lies farther from it has one of its own.
    fn follow(&mut self, chain: &Chain<'_>, mark: u64) -> Result<(), Failure> {
        self.seen = self.seen.max(mark.saturating_sub(1));
        while self.seen < mark + MARK_EVERY - 1 {
            let piece = chain.piece(self.connection, self.seen)?;
            if piece.is_empty() {
                return Ok(());
            }
            for row in piece {
                self.look(row)?;
                self.seen += 1;
                if self.output.is_enough() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Takes what an event holds of the output, if it is output and of this channel.
    fn look(&mut self, row: i64) -> Result<(), Failure> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT form, body FROM event WHERE id = ?1 AND form = ?2")?;
        let mut rows = statement.query(params![row, codec::Form::Output as i64])?;
        let Some(found) = rows.next()? else { return Ok(()) };
        let body = found.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        if let Body::Job(entry) = codec::decode(found.get(0)?, body)?
            && entry.attempt == self.query.attempt
            && let Some((channel, offset, data)) = entry.event.output()
            && channel == self.query.channel
        {
            self.output.take(offset, data)?;
        }
        Ok(())
    }
}
