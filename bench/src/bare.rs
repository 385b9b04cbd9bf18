//! A bare SQLite writer: group commit with the least that a durable topic log needs, and no domain. The
//! measure for the store, and so as good as such a writer gets: rows by rowid, one index, statements
//! prepared once, one head a topic and batch, checkpoints beside the commits.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use rusqlite::{Connection, Statement};
use tokio::sync::{mpsc, oneshot};

use crate::load::Operation;

const TOPICS: u32 = 1000;
/// Room for every publisher.
const QUEUE: usize = 8192;
/// The store's own bounds of a batch: without them the two would not do the same.
const BATCH_MAX: usize = 2048;
/// See [`BATCH_MAX`].
const WORK_MAX: Duration = Duration::from_millis(10);
/// Pages between two copies of the write-ahead log by the thread beside.
const PASSIVE_PAGES: i64 = 1024;
/// From here on the log begins anew, once the rest is short.
const RESTART_PAGES: i64 = 8192;
/// A short rest.
const REST_PAGES: i64 = 512;
const PRAGMAS: &str = "
    PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
    PRAGMA cache_size = -65536;";
const SCHEMA: &str = "
    CREATE TABLE topic(id INTEGER PRIMARY KEY, head INTEGER NOT NULL) STRICT;
    CREATE TABLE event(id INTEGER PRIMARY KEY, topic INTEGER NOT NULL, seq INTEGER NOT NULL,
        stamp INTEGER NOT NULL, ts INTEGER NOT NULL, kind INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
    CREATE UNIQUE INDEX event_topic_seq ON event(topic, seq);
    CREATE TABLE job(topic INTEGER PRIMARY KEY, owner TEXT NOT NULL, state INTEGER NOT NULL,
        updated INTEGER NOT NULL, doc BLOB NOT NULL) STRICT;
    CREATE INDEX job_by_owner ON job(owner, updated DESC, topic DESC);
    CREATE TABLE output(topic INTEGER NOT NULL, start INTEGER NOT NULL, event INTEGER NOT NULL,
        PRIMARY KEY(topic, start)) STRICT, WITHOUT ROWID;";

/// What each append writes beside its topic's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writes {
    /// An event of 200 bytes.
    Event,
    /// An event of 200 bytes; a job of 500 bytes, which moves in its owner's list.
    StateAndEvent,
    /// What a worker's report with output comes to: an event of 310 bytes, a job of 350 bytes that
    /// stays where it is, and the row that finds the output.
    Report,
}

type Request = (u32, oneshot::Sender<()>);

/// The writer's queue.
pub(crate) struct Bare {
    queue: mpsc::Sender<Request>,
}

impl Bare {
    pub(crate) fn open(folder: &Path, writes: Writes) -> anyhow::Result<Bare> {
        let file = folder.join(format!("bare-{writes:?}.db"));
        let mut connection = Connection::open(&file)?;
        connection.execute_batch(PRAGMAS)?;
        connection.execute_batch(SCHEMA)?;
        connection.execute_batch("BEGIN")?;
        for topic in 0..TOPICS {
            connection.execute("INSERT INTO topic VALUES (?1, 0)", [topic])?;
            connection.execute("INSERT INTO job VALUES (?1, 'owner', 2, 0, x'')", [topic])?;
        }
        connection.execute_batch("COMMIT")?;
        let (queue, waiting) = mpsc::channel(QUEUE);
        let checkpoints = Checkpoints::beside(&mut connection, &file)?;
        let writer = move || write(&connection, checkpoints, waiting, writes);
        std::thread::Builder::new().name("bare-writer".into()).spawn(writer)?;
        Ok(Bare { queue })
    }
}

/// Ends with an error or when the queue is closed; either way whoever waits learns of it.
fn write(
    connection: &Connection,
    mut checkpoints: Checkpoints,
    mut waiting: mpsc::Receiver<Request>,
    writes: Writes,
) -> rusqlite::Result<()> {
    let mut rows = Rows::prepare(connection, writes)?;
    let mut arrived = Vec::with_capacity(BATCH_MAX);
    while waiting.blocking_recv_many(&mut arrived, BATCH_MAX) > 0 {
        let mut requests = arrived.drain(..);
        while requests.len() > 0 {
            let begun = Instant::now();
            let mut answers = Vec::with_capacity(requests.len());
            connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
            for (number, acknowledgement) in requests.by_ref() {
                rows.append(number % TOPICS)?;
                answers.push(acknowledgement);
                if begun.elapsed() >= WORK_MAX {
                    break;
                }
            }
            rows.flush()?;
            connection.prepare_cached("COMMIT")?.execute([])?;
            for acknowledgement in answers {
                // A publisher whose time is over does not wait.
                let _ = acknowledgement.send(());
            }
            checkpoints.after_batch(connection)?;
        }
    }
    Ok(())
}

/// The statements, and where each topic stands.
struct Rows<'connection> {
    writes: Writes,
    heads: Vec<i64>,
    touched: BTreeMap<u32, i64>,
    event: Statement<'connection>,
    head: Statement<'connection>,
    moved: Statement<'connection>,
    job: Statement<'connection>,
    output: Statement<'connection>,
}

impl<'connection> Rows<'connection> {
    fn prepare(connection: &'connection Connection, writes: Writes) -> rusqlite::Result<Self> {
        Ok(Rows {
            writes,
            heads: vec![0; TOPICS as usize],
            touched: BTreeMap::new(),
            event: connection.prepare(
                "INSERT INTO event(topic, seq, stamp, ts, kind, body) VALUES (?1, ?2, 7, ?3, 1, ?4)",
            )?,
            head: connection.prepare("UPDATE topic SET head = ?2 WHERE id = ?1")?,
            moved: connection.prepare("UPDATE job SET updated = ?2, doc = ?3 WHERE topic = ?1")?,
            job: connection.prepare("UPDATE job SET doc = ?2 WHERE topic = ?1")?,
            output: connection.prepare("INSERT INTO output VALUES (?1, ?2, ?3)")?,
        })
    }

    fn append(&mut self, topic: u32) -> rusqlite::Result<()> {
        const BYTES: [u8; 500] = [b'x'; 500];
        let seq = &mut self.heads[topic as usize];
        *seq += 1;
        self.touched.insert(topic, *seq);
        let size = if self.writes == Writes::Report { 310 } else { 200 };
        let row = self.event.insert((topic, *seq, 1_790_000_000_000_i64, &BYTES[..size]))?;
        match self.writes {
            Writes::Event => {}
            Writes::StateAndEvent => drop(self.moved.execute((topic, *seq, &BYTES))?),
            Writes::Report => {
                self.job.execute((topic, &BYTES[..350]))?;
                self.output.execute((topic, *seq * 200, row))?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> rusqlite::Result<()> {
        for (topic, seq) in std::mem::take(&mut self.touched) {
            self.head.execute((topic, seq))?;
        }
        Ok(())
    }
}

/// Moves the write-ahead log into the file from a thread beside the writer; only a short rest, and the
/// log's new beginning, is the writer's.
struct Checkpoints {
    wake: std::sync::mpsc::SyncSender<()>,
    length: Arc<AtomicI64>,
    copied: Arc<AtomicI64>,
    woken_at: i64,
}

impl Checkpoints {
    fn beside(writer: &mut Connection, file: &Path) -> anyhow::Result<Checkpoints> {
        let connection = Connection::open(file)?;
        connection.execute_batch("PRAGMA wal_autocheckpoint = 0")?;
        let (length, copied) = (Arc::<AtomicI64>::default(), Arc::<AtomicI64>::default());
        let (pages, done) = (length.clone(), copied.clone());
        writer.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, now| {
            pages.store(i64::from(now), Ordering::Relaxed);
            Ok(())
        }))?;
        let (wake, wakes) = sync_channel(1);
        let copier = move || copy(&connection, &wakes, &done);
        std::thread::Builder::new().name("bare-checkpoint".into()).spawn(copier)?;
        Ok(Checkpoints { wake, length, copied, woken_at: 0 })
    }

    fn after_batch(&mut self, writer: &Connection) -> rusqlite::Result<()> {
        let pages = self.length.load(Ordering::Relaxed);
        self.woken_at = self.woken_at.min(pages);
        if pages >= self.woken_at + PASSIVE_PAGES {
            self.woken_at = pages;
            // A wake that is still waiting serves as well.
            let _ = self.wake.try_send(());
        }
        let rest = pages - self.copied.load(Ordering::Relaxed);
        if pages >= RESTART_PAGES && rest <= REST_PAGES {
            let copied = checkpoint(writer, "PRAGMA wal_checkpoint(RESTART)")?;
            self.copied.store(copied, Ordering::Relaxed);
        }
        Ok(())
    }
}

fn copy(connection: &Connection, wakes: &Receiver<()>, copied: &AtomicI64) -> rusqlite::Result<()> {
    while wakes.recv().is_ok() {
        let pages = checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)")?;
        copied.store(pages, Ordering::Relaxed);
    }
    Ok(())
}

fn checkpoint(connection: &Connection, sql: &str) -> rusqlite::Result<i64> {
    connection.prepare_cached(sql)?.query_row([], |row| row.get(2))
}

#[async_trait::async_trait]
impl Operation for Bare {
    async fn run(&self, publisher: usize, round: u64) -> anyhow::Result<()> {
        let (done, wait) = oneshot::channel();
        let number = u32::try_from(publisher.wrapping_mul(7919) % 65536)?
            .wrapping_add(u32::try_from(round)?);
        self.queue.send((number, done)).await?;
        Ok(wait.await?)
    }
}
