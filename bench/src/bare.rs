//! A bare SQLite writer: group commit with the least a durable topic log needs, and no domain. The
//! measure for the store.

use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::load::Operation;

const TOPICS: u32 = 1000;
/// Room for every publisher.
const QUEUE: usize = 8192;
/// The store's own bounds of a batch: without them the two would not do the same.
const BATCH_MAX: usize = 2048;
/// See [`BATCH_MAX`].
const WORK_MAX: Duration = Duration::from_millis(10);
const SCHEMA: &str = "
    PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;
    PRAGMA cache_size = -65536;
    CREATE TABLE topic(id INTEGER PRIMARY KEY, head INTEGER NOT NULL) STRICT;
    CREATE TABLE event(id INTEGER PRIMARY KEY, topic INTEGER NOT NULL, seq INTEGER NOT NULL,
        stamp INTEGER NOT NULL, ts INTEGER NOT NULL, kind INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
    CREATE UNIQUE INDEX event_topic_seq ON event(topic, seq);
    CREATE TABLE job(topic INTEGER PRIMARY KEY, owner TEXT NOT NULL, state INTEGER NOT NULL,
        updated INTEGER NOT NULL, doc BLOB NOT NULL) STRICT;
    CREATE INDEX job_by_owner ON job(owner, updated DESC, topic DESC);";

/// What each append writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writes {
    Event,
    StateAndEvent,
}

/// The writer's queue.
pub(crate) struct Bare {
    queue: mpsc::SyncSender<(u32, oneshot::Sender<()>)>,
}

impl Bare {
    pub(crate) fn open(folder: &Path, writes: Writes) -> anyhow::Result<Bare> {
        let connection = Connection::open(folder.join(format!("bare-{writes:?}.db")))?;
        connection.execute_batch(SCHEMA)?;
        connection.execute_batch("BEGIN")?;
        for topic in 0..TOPICS {
            connection.execute("INSERT INTO topic VALUES (?1, 0)", [topic])?;
        }
        connection.execute_batch("COMMIT")?;
        let (queue, waiting) = mpsc::sync_channel(QUEUE);
        std::thread::spawn(move || {
            if let Err(error) = write(&connection, &waiting, writes) {
                drop(error);
            }
        });
        Ok(Bare { queue })
    }
}

fn write(
    connection: &Connection,
    waiting: &mpsc::Receiver<(u32, oneshot::Sender<()>)>,
    writes: Writes,
) -> rusqlite::Result<()> {
    let mut heads = vec![0_i64; TOPICS as usize];
    let (body, doc) = (vec![b'x'; 200], vec![b'd'; 500]);
    let mut event = connection
        .prepare("INSERT INTO event(topic,seq,stamp,ts,kind,body) VALUES (?1,?2,7,?3,1,?4)")?;
    let mut head = connection.prepare("UPDATE topic SET head = ?2 WHERE id = ?1")?;
    let mut job = connection.prepare(
        "INSERT INTO job VALUES (?1, 'owner', 2, ?2, ?3) ON CONFLICT(topic) DO UPDATE SET updated = ?2, doc = ?3",
    )?;
    while let Ok(first) = waiting.recv() {
        let begun = Instant::now();
        let mut next = Some(first);
        let mut answers = Vec::new();
        connection.execute_batch("BEGIN IMMEDIATE")?;
        while let Some((number, acknowledgement)) = next {
            let topic = number % TOPICS;
            let seq = &mut heads[topic as usize];
            *seq += 1;
            event.execute((topic, *seq, 1, &body))?;
            head.execute((topic, *seq))?;
            if writes == Writes::StateAndEvent {
                job.execute((topic, *seq, &doc))?;
            }
            answers.push(acknowledgement);
            let has_room = answers.len() < BATCH_MAX && begun.elapsed() < WORK_MAX;
            next = if has_room { waiting.try_recv().ok() } else { None };
        }
        connection.execute_batch("COMMIT")?;
        for acknowledgement in answers {
            // A publisher whose time is over does not wait.
            let _ = acknowledgement.send(());
        }
    }
    Ok(())
}

#[async_trait::async_trait]
impl Operation for Bare {
    async fn run(&self, publisher: usize, round: u64) -> anyhow::Result<()> {
        let (done, wait) = oneshot::channel();
        let number = u32::try_from(publisher.wrapping_mul(7919) % 65536)?
            .wrapping_add(u32::try_from(round)?);
        self.queue.send((number, done))?;
        Ok(wait.await?)
    }
}
