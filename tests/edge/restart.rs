//! An edge is killed and started again under two hundred connected clients: all resume from their
//! cursors, nothing is lost and nothing comes twice.

use std::time::Duration;

use roomcast_proto::v1::{CreateJobRequest, GetTopicRequest};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::checker::{History, check};
use crate::support::follower::followed_to_the_end;
use crate::support::log_reader::read_log_by_rest;
use crate::support::recorder::publisher;
use crate::support::worker::{completed, output};
use crate::support::{Clients, Recorder, Socket, System, Worker, admin, eventually, user, within};

const WATCHERS_OF_A_ROOM: usize = 100;
const WATCHERS_OF_A_JOB: usize = 100;
const KILLS: usize = 2;
/// Events between two kills.
const BURST: usize = 40;
/// All clients are back and have read all.
const PATIENCE: Duration = Duration::from_secs(60);
const ROOM: &str = "room:open";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_clients_resume_from_their_cursors_when_their_edge_is_killed_and_started_again()
{
    let mut system = System::start().await;
    let clients = Clients::node().await;
    let recorder = Recorder::new();
    let end = CancellationToken::new();

    let room = watch_room(&system, &clients).await;
    let (job_topic, job, joined_at) = watch_job(&system, &clients).await;
    let place = (ROOM.to_owned(), "publisher".to_owned());
    let publishing =
        tokio::spawn(publisher(recorder.clone(), system.core.broadcast(), place, end.clone()));
    let worker = Worker::new("writer", system.core.jobs());
    let writing = tokio::spawn(write(worker, end.clone()));

    for kill in 1..=KILLS {
        let target = recorder.acked() + BURST;
        eventually("events flow", async || (recorder.acked() >= target).then_some(())).await;
        system.edge.kill();
        system.edge.restart().await;
        within(PATIENCE, "all are back", async || {
            let mut sockets = room.iter().chain(&job);
            sockets.all(|socket| socket.times("connect") > kill).then_some(())
        })
        .await;
    }
    end.cancel();
    publishing.await.expect("a publisher that does not panic");
    writing.await.expect("a worker that does not panic");

    let rest = system.edge.rest(&admin("root"));
    let mut history = History::default();
    for (topic, sockets, after) in [(ROOM, room, 0), (&job_topic, job, joined_at)] {
        let log = read_log_by_rest(&rest, topic).await;
        assert!(log.len() > KILLS * BURST, "{topic} has only {} events", log.len());
        for (number, socket) in sockets.iter().enumerate() {
            let who = format!("{topic} socket {number}");
            history.streams.push(followed_to_the_end(socket, topic, &who, Some(after), &log).await);
        }
        history.logs.insert(topic.to_owned(), log);
    }
    assert_eq!(check(&history), []);
}

/// Sockets that follow a room from before its first event.
async fn watch_room(system: &System, clients: &Clients) -> Vec<Socket> {
    let request = GetTopicRequest { topic: ROOM.to_owned(), ..GetTopicRequest::default() };
    let head = system.core.broadcast().get_topic(request).await.unwrap().into_inner().head;
    let options = json!({ "keep": true, "transports": ["websocket"], "cursors": { ROOM: head } });
    let sockets: Vec<Socket> = (0..WATCHERS_OF_A_ROOM)
        .map(|number| {
            let token = user(&format!("user-{number}"));
            clients.connect_with(&system.edge.url(), Some(&token), options.clone())
        })
        .collect();
    for socket in &sockets {
        socket.event("connected").await;
    }
    sockets
}

/// Sockets that have joined one job, and the offset they joined at.
async fn watch_job(system: &System, clients: &Clients) -> (String, Vec<Socket>, u64) {
    let request = CreateJobRequest {
        kind: "written".to_owned(),
        owner: "ana".to_owned(),
        ..CreateJobRequest::default()
    };
    let job = system.core.jobs().create_job(request).await.unwrap().into_inner().job.unwrap();
    let token = user("ana");
    let sockets: Vec<Socket> = (0..WATCHERS_OF_A_JOB)
        .map(|_| clients.stay_connected(&system.edge.url(), Some(&token)))
        .collect();
    for socket in &sockets {
        socket.connected().await;
        let answer = socket.ask("join_job", &json!({ "job_id": job.job_id })).await;
        assert_eq!(answer["cursor"], job.cursor, "{answer}");
    }
    (format!("job:{}", job.job_id), sockets, 1)
}

/// Writes lines until told to end.
async fn write(worker: Worker, end: CancellationToken) {
    let held = worker.lease("written").await;
    let mut written = 0;
    let mut number = 0;
    while !end.is_cancelled() {
        number += 1;
        let line = format!("line {number}\n");
        worker.report_through(output(&held, number, written, &line)).await;
        written += line.len() as u64;
    }
    worker.report_through(completed(&held, number + 1)).await;
}
