//! One core's way to the database: a socket between them that can be cut, as a network can.

use roomcast_test_servers::Postgres;
use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::link::join;

/// The server's socket, as it and whoever looks for it name it.
const SOCKET: &str = ".s.PGSQL.5432";

/// Ends, with all that it carries, when it is dropped.
#[derive(Debug)]
pub(crate) struct Way {
    folder: TempDir,
    is_whole: watch::Sender<bool>,
    _tasks: JoinSet<()>,
}

impl Way {
    pub(crate) fn to(database: &Postgres) -> Way {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = UnixListener::bind(folder.path().join(SOCKET)).expect("a socket");
        let is_whole = watch::Sender::new(true);
        let (door, whole) = (database.folder().join(SOCKET), is_whole.subscribe());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut carried = JoinSet::new();
            while let Ok((outer, _)) = listener.accept().await {
                let Ok(inner) = UnixStream::connect(&door).await else { continue };
                carried.spawn(join(outer, inner, (whole.clone(), whole.clone())));
            }
        });
        Way { folder, is_whole, _tasks: tasks }
    }

    /// What a core is started with.
    pub(crate) fn url(&self) -> String {
        format!("postgres://roomcast@localhost/postgres?host={}", self.folder.path().display())
    }

    /// Nothing passes any more, and nobody is told.
    pub(crate) fn cut(&self) {
        self.is_whole.send_replace(false);
    }

    /// What was held goes on.
    pub(crate) fn mend(&self) {
        self.is_whole.send_replace(true);
    }
}
