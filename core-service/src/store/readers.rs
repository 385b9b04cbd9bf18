//! Connections that read, beside those that write, each with a thread of its own: as many threads as there are
//! connections, however many reads there are at once.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};

use crate::store::Error;

/// Reads that run or wait. More would only wait longer than anybody does.
const READS_MAX: usize = 1024;
/// How long reads have to end when the pool is dropped: a database that answers nothing is not waited for, and
/// nobody is left who would hear what it says.
const READS_END_MAX: Duration = Duration::from_secs(2);

/// The pool. The threads end with it.
#[derive(Debug)]
pub(crate) struct Readers<C> {
    admission: Arc<Semaphore>,
    desk: Arc<Desk<C>>,
}

/// Where reads wait for a thread.
struct Desk<C> {
    waiting: Mutex<Waiting<C>>,
    news: Condvar,
}

struct Waiting<C> {
    /// At most [`READS_MAX`].
    reads: VecDeque<Read<C>>,
    /// Threads that have not ended.
    threads: usize,
    is_closed: bool,
}

type Read<C> = Box<dyn FnOnce(&mut C) + Send>;

impl<C: Send + 'static> Readers<C> {
    /// Starts a thread for each connection.
    ///
    /// # Errors
    /// When one cannot be started.
    pub(crate) fn start(connections: Vec<C>) -> io::Result<Readers<C>> {
        let admission = Arc::new(Semaphore::new(READS_MAX));
        let readers = Readers { admission, desk: Arc::new(Desk::default()) };
        for connection in connections {
            let desk = Arc::clone(&readers.desk);
            let thread = thread::Builder::new().name("store-reader".into());
            thread.spawn(move || desk.serve(connection))?;
            readers.desk.waiting().threads += 1;
        }
        Ok(readers)
    }

    /// Runs `query` with a connection.
    pub(crate) async fn read<T, Q>(&self, query: Q) -> Result<T, Error>
    where
        T: Send + 'static,
        Q: FnOnce(&mut C) -> Result<T, Error> + Send + 'static,
    {
        let admitted = Arc::clone(&self.admission).try_acquire_owned();
        let admitted = admitted.map_err(|_| Error::Overloaded)?;
        let (answer, outcome) = oneshot::channel();
        self.desk.put(Box::new(move |connection| {
            let _admitted = admitted;
            // Whoever asked may have gone while it waited.
            if !answer.is_closed() {
                let _ = answer.send(query(connection));
            }
        }));
        outcome.await.unwrap_or_else(|_| Err(Error::Unavailable("the read broke off".into())))
    }
}

impl<C> Drop for Readers<C> {
    fn drop(&mut self) {
        let mut waiting = self.desk.waiting();
        waiting.is_closed = true;
        self.desk.news.notify_all();
        let are_left = |waiting: &mut Waiting<C>| waiting.threads > 0;
        // Whoever is late ends by itself.
        drop(self.desk.news.wait_timeout_while(waiting, READS_END_MAX, are_left));
    }
}

impl<C> Desk<C> {
    fn put(&self, read: Read<C>) {
        self.waiting().reads.push_back(read);
        self.news.notify_one();
    }

    /// Reads with this connection until the desk is closed and nobody waits there.
    fn serve(&self, mut connection: C) {
        while let Some(read) = self.next() {
            // The thread goes on: whoever asked finds the answer broken off.
            let _ = catch_unwind(AssertUnwindSafe(|| read(&mut connection)));
        }
        drop(connection);
        self.waiting().threads -= 1;
        self.news.notify_all();
    }

    fn next(&self) -> Option<Read<C>> {
        let is_idle = |waiting: &mut Waiting<C>| waiting.reads.is_empty() && !waiting.is_closed;
        let waiting = self.news.wait_while(self.waiting(), is_idle);
        waiting.unwrap_or_else(PoisonError::into_inner).reads.pop_front()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<C>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C> Default for Desk<C> {
    fn default() -> Desk<C> {
        let waiting = Waiting { reads: VecDeque::new(), threads: 0, is_closed: false };
        Desk { waiting: Mutex::new(waiting), news: Condvar::new() }
    }
}

impl<C> std::fmt::Debug for Desk<C> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Desk").field("reads", &self.waiting().reads.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::mpsc::sync_channel;

    use futures::future::{join_all, poll_immediate};

    use super::*;

    /// Who reads with which connection.
    fn reader(connection: &mut usize) -> Result<(usize, thread::ThreadId), Error> {
        Ok((*connection, thread::current().id()))
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn there_are_as_many_threads_as_connections_however_many_read_at_once() {
        let readers = Arc::new(Readers::start(vec![1, 2, 3]).unwrap());
        let reads = (0..READS_MAX).map(|_| {
            let readers = Arc::clone(&readers);
            tokio::spawn(async move { readers.read(reader).await.unwrap() })
        });
        let all: HashSet<_> = join_all(reads).await.into_iter().map(Result::unwrap).collect();
        assert!(all.len() <= 3, "{all:?}");
    }

    #[tokio::test]
    async fn a_read_that_panics_takes_no_connection_with_it() {
        let readers = Readers::start(vec![1]).unwrap();
        let broken: Result<(), Error> = readers.read(|_| panic!("as it must")).await;
        assert!(matches!(broken, Err(Error::Unavailable(_))));
        assert_eq!(readers.read(reader).await.unwrap().0, 1);
    }

    #[tokio::test]
    async fn as_many_wait_as_may_and_who_has_hung_up_is_not_read_for() {
        let readers = Readers::start(vec![0]).unwrap();
        let (go_on, wait) = sync_channel::<()>(1);
        let mut first = Box::pin(readers.read(move |_| {
            wait.recv().unwrap();
            Ok(())
        }));
        assert!(poll_immediate(&mut first).await.is_none());
        let count = |counted: &mut usize| {
            *counted += 1;
            Ok(*counted)
        };
        for _ in 1..READS_MAX {
            assert!(poll_immediate(readers.read(count)).await.is_none());
        }
        let refused = poll_immediate(readers.read(count)).await;
        assert_eq!(refused, Some(Err(Error::Overloaded)));
        go_on.send(()).unwrap();
        first.await.unwrap();
        let counted = loop {
            match readers.read(count).await {
                Err(Error::Overloaded) => tokio::task::yield_now().await,
                counted => break counted,
            }
        };
        assert_eq!(counted, Ok(1), "the others have gone");
    }

    #[tokio::test]
    async fn connections_are_closed_with_the_pool_but_for_one_that_has_no_answer() {
        let connection = Arc::new(());
        let readers = Readers::start(vec![Arc::clone(&connection); 2]).unwrap();
        let ((begin, begun), (answer, wait)) = (sync_channel(1), sync_channel::<()>(0));
        let mut asked = Box::pin(readers.read(move |_| {
            begin.send(()).unwrap();
            // For ever, as far as the pool can tell.
            let _ = wait.recv();
            Ok(())
        }));
        assert!(poll_immediate(&mut asked).await.is_none());
        begun.recv().unwrap();
        drop(asked);
        drop(readers);
        assert_eq!(Arc::strong_count(&connection), 2);
        drop(answer);
    }
}
