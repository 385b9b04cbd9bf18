//! A pgbouncer between the cores and their database, which lends its connections for a transaction each.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Server;
use super::cluster::{insist, open, publish, room, text};
use super::server::{as_server, owned, put};
use crate::store::postgres::connection::Connection;
use crate::store::postgres::target::Target;
use crate::store::{PageLimit, Store as _};

/// Fewer than two stores hold, so that they share.
const LENT: usize = 3;
const PORT: u16 = 6432;
const WRITERS: u32 = 16;
const EVENTS: u32 = 20;
const START_MAX: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(10);

/// Ends when it is dropped.
struct Pooler {
    folder: TempDir,
    process: Child,
}

impl Pooler {
    fn start(server: &Server) -> Pooler {
        let folder = owned(TempDir::new().expect("a folder"));
        let (socket, log) = (folder.path().display(), folder.path().join("log"));
        let settings = format!(
            "[databases]\npostgres = host={} user=roomcast\n\
             [pgbouncer]\nlisten_addr =\nunix_socket_dir = {socket}\nlisten_port = {PORT}\n\
             auth_type = any\npool_mode = transaction\ndefault_pool_size = {LENT}\nlogfile = {}\n",
            server.folder().display(),
            log.display(),
        );
        let file = folder.path().join("pgbouncer.ini");
        put(&file, &settings);
        let mut command = as_server(Command::new("pgbouncer"));
        command.env("PATH", "/usr/sbin:/usr/bin").arg("--quiet").arg(&file);
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let process = process.expect("pgbouncer is installed: make setup");
        let begun = Instant::now();
        let socket = folder.path().join(format!(".s.PGSQL.{PORT}"));
        while UnixStream::connect(&socket).is_err() {
            assert!(
                begun.elapsed() < START_MAX,
                "{}",
                std::fs::read_to_string(log).expect("a log")
            );
            std::thread::park_timeout(PAUSE);
        }
        Pooler { folder, process }
    }

    fn url(&self, more: &str) -> String {
        let folder: &Path = self.folder.path();
        format!("postgres://roomcast@localhost:{PORT}/postgres?host={}{more}", folder.display())
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cores_behind_a_pooler_of_transactions_commit_and_read_as_without() {
    let server = Server::start();
    let pooler = Pooler::start(&server);
    let url = pooler.url("&pooling=transaction");
    let stores = [Arc::new(open(url.clone())), Arc::new(open(url))];
    let writers = (0..WRITERS).map(|writer| {
        let store = Arc::clone(&stores[writer as usize % stores.len()]);
        tokio::spawn(async move {
            for n in 0..EVENTS {
                insist(&store, &room(n % 2), &format!("{writer}-{n}")).await;
                store.read(&room(n % 2), 0, PageLimit::REPLAY).await.expect("a page");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("no panic");
    }
    let mut said = Vec::new();
    for number in 0..2 {
        let limit = PageLimit { events: usize::MAX, bytes: usize::MAX };
        let page = stores[0].read(&room(number), 0, limit).await.expect("a page");
        let offsets: Vec<u64> = page.events.iter().map(|event| event.cursor.offset).collect();
        assert_eq!(offsets, (1..=page.head.offset).collect::<Vec<_>>());
        said.extend(page.events.iter().map(|event| text(event)));
    }
    said.sort_unstable();
    said.dedup();
    assert_eq!(said.len(), (WRITERS * EVENTS) as usize);
    let lent = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'roomcast-core'";
    assert_eq!(server.say(lent), LENT.to_string());
    let left = stores[0].commit(publish(room(0), "0-0")).await.expect("answered from its key");
    assert!(format!("{left:?}").contains("is_replay: true"), "{left:?}");
}

/// Newer poolers carry statements along; with older ones it must be said what is wrong.
#[test]
fn a_pooler_that_loses_statements_is_told_by_name() {
    let server = Server::start();
    let pooler = Pooler::start(&server);
    let target = Target::new(&pooler.url(""), None).expect("an address");
    let one = Connection::open(&target).expect("connected");
    let other = Connection::open(&target).expect("connected");
    one.query("SELECT 1", &[]).expect("prepared where it runs");
    other.begin("BEGIN");
    other.query("SELECT 2", &[]).expect("keeps that connection of the pooler's");
    if let Err(trouble) = one.query("SELECT 1", &[]) {
        assert!(format!("{trouble:?}").contains("?pooling=transaction"), "{trouble:?}");
    }
}
