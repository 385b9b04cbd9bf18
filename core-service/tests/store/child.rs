//! A process that writes as fast as it can and says on its standard output what was acknowledged:
//! this test binary again, told by its environment.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use roomcast_core::domain::event::{Body, NewEvent};
use roomcast_core::domain::job::{self, OutputChunk, ProgressUpdate, Report, Spec};
use roomcast_core::domain::payload::Payload;
use roomcast_core::domain::time::Time;
use roomcast_core::domain::topic::{Kind, Topic};
use roomcast_core::store::commit::{Action, Command as StoreCommand, Committed};
use roomcast_core::store::sqlite::{SqliteConfig, SqliteStore, Synchronous};
use roomcast_core::store::{Error, Store};

use crate::ledger::{Acknowledged, TENANT};

const FOLDER: &str = "ROOMCAST_TEST_STORE";
const RELAXED: &str = "ROOMCAST_TEST_STORE_RELAXED";
const ROUND: &str = "ROOMCAST_TEST_STORE_ROUND";

/// A writing process. Dropping it kills it.
pub(crate) struct Writer {
    child: Child,
    listener: Option<JoinHandle<Vec<Acknowledged>>>,
    heard: Arc<AtomicU64>,
}

impl Writer {
    /// Starts it on a data folder. What it writes bears the number of the round.
    pub(crate) fn start(data_dir: &Path, round: u32, synchronous: Synchronous) -> Writer {
        let mut command = Command::new(std::env::current_exe().expect("this binary"));
        command.args(["--exact", "child::writes_until_it_is_killed", "--ignored", "--nocapture"]);
        command.env(FOLDER, data_dir).env(ROUND, round.to_string());
        if synchronous == Synchronous::Normal {
            command.env(RELAXED, "yes");
        }
        let mut child = command.stdout(Stdio::piped()).spawn().expect("a child");
        let pipe = BufReader::new(child.stdout.take().expect("a pipe"));
        let heard = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&heard);
        let listener = std::thread::spawn(move || {
            let lines = pipe.lines().map_while(Result::ok);
            let known = lines.filter_map(|line| Acknowledged::parse(&line));
            let counted = known.inspect(|_| {
                count.fetch_add(1, Ordering::Relaxed);
            });
            counted.collect()
        });
        Writer { child, listener: Some(listener), heard }
    }

    /// How many acknowledgements were heard.
    pub(crate) fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    /// Stops it where it is, without letting it or its files go.
    pub(crate) fn freeze(&self) {
        let pid = i32::try_from(self.child.id()).expect("a pid");
        kill(Pid::from_raw(pid), Signal::SIGSTOP).expect("frozen");
    }

    /// Kills it at once; answers all that it had acknowledged.
    pub(crate) fn kill(mut self) -> Vec<Acknowledged> {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
        self.listener.take().expect("heard once").join().expect("no panic")
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "the child process of the tests beside it"]
fn writes_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let round = std::env::var(ROUND).expect("a round");
    let mut config = SqliteConfig::new(folder);
    if std::env::var_os(RELAXED).is_some() {
        config.synchronous = Synchronous::Normal;
    }
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).enable_all().build().expect("a runtime").block_on(async {
        let store = Arc::new(open(config));
        let rooms = (0..24).map(|n| tokio::spawn(publish(Arc::clone(&store), n, round.clone())));
        let jobs = (0..8).map(|n| tokio::spawn(work(Arc::clone(&store), n, round.clone())));
        futures::future::join_all(rooms.chain(jobs).collect::<Vec<_>>()).await;
    });
}

pub(crate) fn open(config: SqliteConfig) -> SqliteStore {
    SqliteStore::open(config, Arc::new(now), Arc::new(|_| {})).expect("opens")
}

fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Time(u64::try_from(since.as_millis()).expect("before the year 500 million"))
}

/// Publishes batches of one to three events, for ever.
async fn publish(store: Arc<SqliteStore>, writer: u32, round: String) {
    let name = format!("r{}", writer % 7);
    for n in 0_u64.. {
        let texts: Vec<_> =
            (0..=n % 3).map(|part| format!("{round}.{writer}.{n}.{part}")).collect();
        let cursors = match store.commit(said(&name, &texts)).await.expect("committed") {
            Committed::Published { cursors, .. } => cursors,
            other @ (Committed::Job { .. }
            | Committed::Access { .. }
            | Committed::Session { .. }) => {
                panic!("{other:?} is no publishing")
            }
        };
        for (cursor, text) in cursors.into_iter().zip(texts) {
            let (room, offset, stamp) = (name.clone(), cursor.offset, cursor.stamp);
            acknowledge(&Acknowledged::Event { room, offset, stamp, text });
        }
    }
}

pub(crate) fn said(room: &str, texts: &[String]) -> StoreCommand {
    let topic = Topic::new(TENANT, Kind::Room, room).expect("a topic");
    let events = texts.iter().map(|text| NewEvent {
        kind: "said".into(),
        body: Body::Payload(Payload::json(format!("\"{text}\""))),
    });
    let action = Action::Publish { topic, events: events.collect(), expected_offset: None };
    StoreCommand { action, idempotency: None, trace: None }
}

/// Creates jobs and works on them, for ever.
async fn work(store: Arc<SqliteStore>, worker: u32, round: String) {
    for n in 0_u64.. {
        let job_id = format!("job-{round}-{worker}-{n}");
        let action = Action::CreateJob { spec: Box::new(spec(&job_id)), input: None, taker: None };
        commit(&store, action).await;
        let command = job::Command::Lease { worker: "w".into(), ttl: Duration::from_secs(60) };
        let fence = commit(&store, Action::Job { job_id: job_id.clone(), command }).await;
        for number in 1..=5 {
            let command = job::Command::Report(Box::new(report(fence, number)));
            commit(&store, Action::Job { job_id: job_id.clone(), command }).await;
        }
    }
}

/// Commits, says so, and answers the job's fence.
async fn commit(store: &SqliteStore, action: Action) -> u64 {
    let command = StoreCommand { action, idempotency: None, trace: None };
    let committed: Result<Committed, Error> = store.commit(command).await;
    let Committed::Job { record, cursor, .. } = committed.expect("committed") else {
        panic!("no job");
    };
    let job_id = record.job.spec.id.clone();
    let (offset, stamp, report) = (cursor.offset, cursor.stamp, record.custody.report);
    acknowledge(&Acknowledged::Job { job_id, offset, stamp, report });
    record.custody.fence
}

fn report(fence: u64, number: u64) -> Report {
    let update = ProgressUpdate { percent: Some(number as f64 * 20.0), ..Default::default() };
    let data = bytes::Bytes::from_static(b"a line of output\n");
    let offset = (number - 1) * data.len() as u64;
    Report {
        fence,
        number,
        ttl: Duration::from_secs(60),
        progress: Some(update),
        output: vec![OutputChunk { channel: "stdout".into(), offset, data }],
        usage: None,
        events: Vec::new(),
        end: (number == 5).then_some(job::End::Completed(None)),
    }
}

fn spec(id: &str) -> Spec {
    Spec::new(id, "render", (TENANT, "alice"), now())
}

/// One line, written at once: a line is either whole in the pipe or not there.
fn acknowledge(acknowledged: &Acknowledged) {
    let line = format!("{acknowledged}\n");
    std::io::stdout().lock().write_all(line.as_bytes()).expect("a pipe");
}
