//! Every client library, over every transport, resuming in every way: its connection is cut and its edge
//! is killed, and it receives everything once and in order.

use std::time::Duration;

use roomcast_proto::v1::CreateJobRequest;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::checker::{Entry, Event, History, Stream, check};
use crate::support::follower::followed_to_the_end;
use crate::support::log_reader::read_log_by_rest;
use crate::support::worker::{completed, output};
use crate::support::{Balancer, Clients, Socket, System, Worker, admin, user, within};

/// Between two lines of output.
const PACE: Duration = Duration::from_millis(20);
/// Lines between two faults.
const BURST: u64 = 20;
/// All clients are back and have read on: a polling one notices a fault by its next request.
const PATIENCE: Duration = Duration::from_secs(60);

const WEBSOCKET: &[&str] = &["websocket"];
const POLLING: &[&str] = &["polling"];
const UPGRADE: &[&str] = &["polling", "websocket"];

/// How a client goes on after a reconnect: by the cursors in its `auth`, or by `since` in its join.
const AUTH: &str = "auth";
const SINCE: &str = "since";

/// The library, its transports, how it resumes.
type Row = (&'static str, &'static [&'static str], &'static str);

const MATRIX: &[Row] = &[
    ("node", WEBSOCKET, AUTH),
    ("node", WEBSOCKET, SINCE),
    ("node", POLLING, AUTH),
    ("node", POLLING, SINCE),
    ("node", UPGRADE, AUTH),
    ("node", UPGRADE, SINCE),
    ("chromium", WEBSOCKET, AUTH),
    ("chromium", WEBSOCKET, SINCE),
    ("chromium", POLLING, AUTH),
    ("chromium", POLLING, SINCE),
    ("chromium", UPGRADE, AUTH),
    ("chromium", UPGRADE, SINCE),
    ("python", WEBSOCKET, AUTH),
    ("python", WEBSOCKET, SINCE),
    ("python", POLLING, AUTH),
    ("python", POLLING, SINCE),
    ("python", UPGRADE, AUTH),
    ("python", UPGRADE, SINCE),
    ("client", WEBSOCKET, AUTH),
    ("client", WEBSOCKET, SINCE),
    ("client", POLLING, AUTH),
    ("client", POLLING, SINCE),
    ("client", UPGRADE, AUTH),
    ("simple", WEBSOCKET, AUTH),
    ("simple", POLLING, AUTH),
    ("simple", UPGRADE, AUTH),
];

/// Libraries that run every handler in a thread of its own, so that the order of an application's lines
/// is not that of the events: what they received is put in order first.
const THREADED: &[&str] = &["client", "simple"];

#[derive(Debug, Clone, Copy)]
enum Fault {
    /// The connections end, without a word to either side.
    Cut,
    /// The edge is killed and started again.
    Restart,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_over_every_transport_resumes_after_cuts_and_restarts() {
    let mut system = System::start().await;
    let balancer = Balancer::start(&[system.edge.address()]).await;
    let request = CreateJobRequest {
        kind: "matrix".to_owned(),
        owner: "ana".to_owned(),
        ..CreateJobRequest::default()
    };
    let job = system.core.jobs().create_job(request).await.unwrap().into_inner().job.unwrap();
    let sockets = connect(&balancer, &job.job_id).await;
    let (lines, written) = watch::channel(0);
    let end = CancellationToken::new();
    let worker = Worker::new("writer", system.core.jobs());
    let writing = tokio::spawn(write(worker, lines, end.clone()));

    received_more(&sockets, &written).await;
    for fault in [Fault::Cut, Fault::Restart, Fault::Cut, Fault::Restart] {
        match fault {
            Fault::Cut => balancer.cut(),
            Fault::Restart => {
                system.edge.kill();
                system.edge.restart().await;
            }
        }
        received_more(&sockets, &written).await;
    }
    end.cancel();
    writing.await.expect("a worker that does not panic");

    let topic = format!("job:{}", job.job_id);
    let log = read_log_by_rest(&system.edge.rest(&admin("root")), &topic).await;
    let mut history = History::default();
    for ((library, transports, resume), socket) in &sockets {
        let who = format!("{library} over {transports:?}, resuming by {resume}");
        let reconnects = socket.times("connect");
        assert!(*library == "simple" || reconnects > 2, "{who} came back {reconnects} times");
        let mut stream = followed_to_the_end(socket, &topic, &who, Some(1), &log).await;
        if THREADED.contains(library) {
            in_order_of(&log, &mut stream);
        }
        history.streams.push(stream);
    }
    history.logs.insert(topic, log);
    assert_eq!(check(&history), []);
}

fn in_order_of(log: &[Event], stream: &mut Stream) {
    let offset = |entry: &Entry| {
        let (Entry::Event { cursor, .. } | Entry::Reset { cursor }) = entry;
        log.iter().find(|event| event.cursor == *cursor).map(|event| event.offset)
    };
    stream.entries.sort_by_key(offset);
}

/// A client for each row, in the job.
async fn connect(balancer: &Balancer, job_id: &str) -> Vec<(Row, Socket)> {
    let url = balancer.url();
    let node = Clients::node().await;
    let chromium = Clients::chromium(&url).await;
    let (python, threads) = (Clients::python().await, Clients::python_threads().await);
    let token = user("ana");
    let open = |row: &Row| {
        let (library, transports, resume) = *row;
        let clients = match library {
            "node" => &node,
            "chromium" => &chromium,
            "python" => &python,
            _ => &threads,
        };
        let join = json!({
            "event": "join_job",
            "argument": { "job_id": job_id },
            "topic": format!("job:{job_id}"),
            "resume": resume,
        });
        let options =
            json!({ "keep": true, "transports": transports, "join": join, "library": library });
        (*row, clients.connect_with(&url, Some(&token), options))
    };
    let sockets: Vec<(Row, Socket)> = MATRIX.iter().map(open).collect();
    for (row, socket) in &sockets {
        within(PATIENCE, &format!("{row:?} has joined"), async || {
            let is_joined = |(name, _): &(String, Value)| name == "job_status";
            socket.events().iter().any(is_joined).then_some(())
        })
        .await;
    }
    sockets
}

/// Waits until every client has a line that was written some lines from here.
async fn received_more(sockets: &[(Row, Socket)], written: &watch::Receiver<u64>) {
    let wanted = *written.borrow() + BURST;
    let line = format!("line {wanted}\n");
    for (row, socket) in sockets {
        within(PATIENCE, &format!("{row:?} has line {wanted}"), async || {
            let has_line = |(name, payload): &(String, Value)| {
                name == "job_output" && payload["data"] == line.as_str()
            };
            socket.events().iter().any(has_line).then_some(())
        })
        .await;
    }
}

/// Writes lines at a steady pace until told to end, and then ends the job.
async fn write(worker: Worker, lines: watch::Sender<u64>, end: CancellationToken) {
    let held = worker.lease("matrix").await;
    let mut ticks = tokio::time::interval(PACE);
    let (mut number, mut written) = (0, 0);
    while !end.is_cancelled() {
        ticks.tick().await;
        number += 1;
        let line = format!("line {number}\n");
        worker.report_through(output(&held, number, written, &line)).await;
        written += line.len() as u64;
        lines.send_replace(number);
    }
    worker.report_through(completed(&held, number + 1)).await;
}
