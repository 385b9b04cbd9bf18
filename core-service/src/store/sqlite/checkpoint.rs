//! Moving the write-ahead log into the database file, beside the commits: a checkpoint inside a
//! commit was the slowest commit of all.
//!
//! A thread copies pages again and again (PASSIVE, which waits for nobody). Under constant writes it
//! never reaches the end of the log, so that the log would grow for ever: when the log is long and
//! the rest is short, the writer itself copies the rest between two batches (RESTART) and the log
//! begins anew.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use super::failure::{self, Verdict};
use crate::store::status::Status;

/// Pages between two copies by the thread: 4 MiB.
const PASSIVE_PAGES: i64 = 1024;
/// From here on the log wants to begin anew: 32 MiB.
const RESTART_PAGES: i64 = 8192;
/// The rest that the writer copies itself: 2 MiB, some milliseconds.
const REST_PAGES: i64 = 512;
/// From here on it begins anew whatever the rest: 256 MiB. Only a disk that writes slower than it
/// syncs comes here.
const FORCE_PAGES: i64 = 65_536;

/// The log's length, as its last commit and its last copying left it.
#[derive(Debug, Default)]
struct Log {
    pages: AtomicI64,
    copied: AtomicI64,
    /// Held while one of the two copies.
    copying: Mutex<()>,
}

/// The copying thread.
#[derive(Debug)]
pub(super) struct Checkpointer {
    log: Arc<Log>,
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    woken_at: i64,
    tried_at: i64,
}

impl Checkpointer {
    /// Starts the thread. `writer` is the connection whose commits lengthen the log.
    pub(super) fn spawn(
        connection: Connection,
        writer: &mut Connection,
        status: Status,
    ) -> Result<Checkpointer, super::OpenError> {
        let log = Arc::new(Log::default());
        let pages = Arc::clone(&log);
        writer.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, length| {
            pages.pages.store(i64::from(length), Ordering::Relaxed);
            Ok(())
        }))?;
        let (wake, wakes) = sync_channel(1);
        let copied = Arc::clone(&log);
        let thread = std::thread::Builder::new()
            .name("store-checkpoint".into())
            .spawn(move || run(&connection, &copied, &wakes, &status))
            .map_err(super::OpenError::Thread)?;
        let thread = Some(thread);
        Ok(Checkpointer { log, wake: Some(wake), thread, woken_at: 0, tried_at: 0 })
    }

    /// Called by the writer after each batch, outside a transaction.
    pub(super) fn after_batch(&mut self, writer: &Connection) -> rusqlite::Result<()> {
        let pages = self.log.pages.load(Ordering::Relaxed);
        if pages < self.woken_at {
            (self.woken_at, self.tried_at) = (0, 0);
        }
        if pages >= self.woken_at + PASSIVE_PAGES {
            self.woken_at = pages;
            self.wake();
        }
        let rest = pages - self.log.copied.load(Ordering::Relaxed);
        let is_due = pages >= RESTART_PAGES && rest <= REST_PAGES || pages >= FORCE_PAGES;
        if is_due && pages >= self.tried_at + REST_PAGES {
            self.tried_at = pages;
            self.restart(writer)?;
        }
        Ok(())
    }

    /// Has the thread copy soon.
    pub(super) fn wake(&self) {
        // A wake that is still waiting serves as well.
        let _ = self.wake.as_ref().map(|wake| wake.try_send(()));
    }

    fn restart(&self, writer: &Connection) -> rusqlite::Result<()> {
        let Ok(_copying) = self.log.copying.try_lock() else { return Ok(()) };
        // Readers of the old log keep it from beginning anew; the next try comes soon.
        writer.busy_timeout(Duration::ZERO)?;
        let copied = checkpoint(writer, "PRAGMA wal_checkpoint(RESTART)");
        writer.busy_timeout(super::connection::BUSY_TIMEOUT)?;
        self.log.copied.store(copied?, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            // A panic was told by the panic hook; there is nobody to tell it to here.
            let _ = thread.join();
        }
    }
}

fn run(connection: &Connection, log: &Log, wakes: &Receiver<()>, status: &Status) {
    while wakes.recv().is_ok() {
        let _copying = log.copying.lock().unwrap_or_else(PoisonError::into_inner);
        match checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)") {
            Ok(copied) => log.copied.store(copied, Ordering::Relaxed),
            Err(error) => match failure::judge(&error) {
                Verdict::Full | Verdict::Busy => {}
                Verdict::Fatal(reason) => {
                    status.stop(&reason);
                    return;
                }
            },
        }
        let length = log.pages.load(Ordering::Relaxed).max(0);
        #[allow(clippy::cast_precision_loss, reason = "a gauge")]
        metrics::gauge!("roomcast_store_wal_bytes").set((length * 4096) as f64);
    }
}

/// Runs a checkpoint; answers how many pages of the log are copied.
fn checkpoint(connection: &Connection, sql: &str) -> rusqlite::Result<i64> {
    connection.prepare_cached(sql)?.query_row([], |row| row.get(2))
}
