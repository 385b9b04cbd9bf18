//! A way to a PostgreSQL server on which answers get lost.

use std::io::{Read, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tempfile::TempDir;

use crate::folder::folder;
use crate::postgres::Postgres;

/// As a server names its socket.
const SOCKET: &str = ".s.PGSQL.5432";
/// As the server says that a transaction is committed.
const COMMITTED: &[u8] = b"COMMIT\0";
/// Bytes that pass at a time.
const PIECE: usize = 64 << 10;

/// Carries whatever is said, for as long as there are connections.
#[derive(Debug)]
pub struct Gate {
    folder: TempDir,
    to_lose: Arc<AtomicUsize>,
}

impl Gate {
    /// Before a server.
    pub fn before(server: &Postgres) -> Gate {
        let folder = folder(&std::env::temp_dir());
        let listener = UnixListener::bind(folder.path().join(SOCKET)).expect("a socket");
        let to_lose = Arc::new(AtomicUsize::new(0));
        let (server, lost) = (server.folder().join(SOCKET), Arc::clone(&to_lose));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                carry(&client, &server, &lost);
            }
        });
        Gate { folder, to_lose }
    }

    /// The server's address by this way.
    pub fn url(&self) -> String {
        format!("postgres://roomcast@localhost/postgres?host={}", self.folder.path().display())
    }

    /// Loses what next tells of a commit, so many times, and each time the connection with it.
    pub fn lose_commits(&self, count: usize) {
        self.to_lose.store(count, Ordering::SeqCst);
    }

    /// How many are still to be lost.
    pub fn left_to_lose(&self) -> usize {
        self.to_lose.load(Ordering::SeqCst)
    }
}

/// Connects a client that has come.
fn carry(client: &UnixStream, server: &Path, to_lose: &Arc<AtomicUsize>) {
    let Ok(server) = UnixStream::connect(PathBuf::from(server)) else { return };
    let (asking, asked) = (again(client), again(&server));
    let (answering, answered) = (again(&server), again(client));
    let to_lose = Arc::clone(to_lose);
    thread::spawn(move || pass(asking, asked, |_| true));
    thread::spawn(move || pass(answering, answered, |piece| !is_lost(piece, &to_lose)));
}

fn again(stream: &UnixStream) -> UnixStream {
    stream.try_clone().expect("one more hand on it")
}

/// Takes one from what is to be lost, if this is such an answer.
fn is_lost(piece: &[u8], to_lose: &AtomicUsize) -> bool {
    let one_less = |count: usize| count.checked_sub(1);
    piece.windows(COMMITTED.len()).any(|bytes| bytes == COMMITTED)
        && to_lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok()
}

/// Passes bytes on until one side has gone, or some may not pass.
fn pass(mut from: UnixStream, mut to: UnixStream, may_pass: impl Fn(&[u8]) -> bool) {
    let mut piece = vec![0; PIECE];
    while let Ok(count @ 1..) = from.read(&mut piece) {
        if !may_pass(&piece[..count]) || to.write_all(&piece[..count]).is_err() {
            break;
        }
    }
    // The other direction ends with this one; who has gone already needs no telling.
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
