//! Versions side by side: a core goes on while a later version has added to the database, and one that is
//! started on what it does not know says so and ends; an edge and a core of two versions lose nothing.

mod dialect;

use roomcast_proto::v1::{CreateJobRequest, NewEvent, Payload, PublishRequest};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::dialect::{Dialect, LATER_TYPE};
use crate::checker::check;
use crate::support::log_reader::read_log;
use crate::support::recorder::publisher;
use crate::support::worker::{completed, progress};
use crate::support::{
    Clients, Core, Edge, Postgres, Recorder, Socket, Subscriber, Worker, eventually, finish,
    roomcast, user,
};

const TOPIC: &str = "room:open";
const KIND: &str = "render";
/// Acknowledgements before the later version comes, and after it.
const PHASE: usize = 200;
/// What a later version may do at most: it adds, to everything that there is. Where it and a core wait for
/// each other, the core gives way, and tries again.
const LATER_VERSION: &str = "SET deadlock_timeout = '1min'; DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('ALTER TABLE %I ADD COLUMN of_later_versions bigint', name);
    END LOOP;
    CREATE TABLE of_later_versions(id bigint PRIMARY KEY);
    UPDATE meta SET value = value + 1 WHERE key = 'schema';
END $$";

/// What a core says that is started on this database and does not serve.
async fn refusal(database: &Postgres) -> String {
    let (folder, url) = (tempfile::tempdir().expect("a folder"), database.url());
    let arguments = ["core", "--dev", "--listen", "127.0.0.1:0", "--store", &url, "--data-dir"];
    let ended = finish(roomcast(&arguments).arg(folder.path())).await;
    assert_ne!(ended.code, Some(0), "{}", ended.err);
    ended.err
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cores_go_on_beside_a_later_version_that_has_added_to_the_database() {
    let database = Postgres::start();
    let (mut cores, mut publishers) = (Vec::new(), JoinSet::new());
    let (recorder, end) = (Recorder::new(), CancellationToken::new());
    for number in 0..2 {
        let core = Core::start_with(&["--store", &database.url()]).await;
        let names = (TOPIC.to_owned(), format!("publisher-{number}"));
        publishers.spawn(publisher(recorder.clone(), core.broadcast(), names, end.clone()));
        cores.push(core);
    }
    let subscriber = Subscriber::spawn(cores[1].broadcast(), TOPIC, "subscriber").await;
    for is_later in [false, true] {
        if is_later {
            database.say(LATER_VERSION);
        }
        let until = recorder.acked() + PHASE;
        eventually("publishing goes on", async || (recorder.acked() >= until).then_some(())).await;
        let request = CreateJobRequest { kind: KIND.to_owned(), ..CreateJobRequest::default() };
        cores[0].jobs().create_job(request).await.unwrap();
        let worker = Worker::new("w", cores[1].jobs());
        let assignment = worker.lease(KIND).await;
        worker.report(completed(&assignment, 1)).await.unwrap();
    }
    end.cancel();
    while let Some(ended) = publishers.join_next().await {
        ended.expect("no panic");
    }
    let history = recorder.finish(&cores[0].broadcast(), &[TOPIC.to_owned()]).await;
    let head = &history.logs[TOPIC].last().expect("events").cursor;
    eventually("the subscriber is at the head", async || {
        (subscriber.reached() == *head).then_some(())
    })
    .await;
    recorder.streamed(subscriber.complete());
    let history = recorder.finish(&cores[0].broadcast(), &[TOPIC.to_owned()]).await;
    assert_eq!(check(&history), []);
    let told = refusal(&database).await;
    assert!(told.contains("use a newer roomcast"), "{told}");
}

/// Calls that a core may be too old for.
const LACKING: [&str; 3] = ["/AnnouncePresence", "/ListConnections", "/RecordDisconnect"];
/// Events of each part of a run, and of which of them this version does not know the content.
const PART: usize = 40;
const LATER_EVERY: usize = 4;

/// Publishes a part of a run.
async fn say_part(core: &Core, part: usize) {
    for n in part * PART..(part + 1) * PART {
        let kind = if n % LATER_EVERY == 0 { LATER_TYPE } else { "said" };
        let data = json!({ "n": n }).to_string().into();
        let payload = Some(Payload { data, ..Payload::default() });
        let request = PublishRequest {
            topic: TOPIC.to_owned(),
            event: Some(NewEvent { r#type: kind.to_owned(), payload }),
            ..PublishRequest::default()
        };
        core.broadcast().publish(request).await.unwrap();
    }
}

/// What a socket got of a topic, snapshots aside.
fn told(socket: &Socket, topic: &str) -> Vec<(String, Value)> {
    let events = socket.events().into_iter();
    let is_told = |name: &str| !["job_status", "error"].contains(&name);
    events.filter(|(name, payload)| payload["topic"] == topic && is_told(name)).collect()
}

/// Waits until a socket is at a log's head. It must have got the last so many of its events, each once
/// and in order.
async fn has_the_last(core: &Core, socket: &Socket, topic: &str, count: Option<usize>) {
    let log = read_log(&core.broadcast(), topic).await;
    let head = log.last().expect("events").cursor.clone();
    let told = eventually("the socket is at the head", async || {
        let told = told(socket, topic);
        told.last().is_some_and(|(_, payload)| payload["cursor"] == head).then_some(told)
    })
    .await;
    let cursors: Vec<_> = told.iter().map(|(_, payload)| payload["cursor"].clone()).collect();
    let first = log.len() - count.unwrap_or(cursors.len());
    let expected: Vec<_> = log[first..].iter().map(|event| json!(event.cursor)).collect();
    assert_eq!(cursors, expected, "{topic}");
}

/// A core and an edge that say more to each other than the other knows: who follows through them loses
/// nothing.
async fn lose_nothing(lacks: &'static [&'static str]) {
    let mut core = Core::start().await;
    let dialect = Dialect::of(&core, lacks).await;
    let edge = Edge::start_at(&dialect.url()).await;
    let clients = Clients::node().await;
    let socket = clients.connect(&edge.url(), Some(&user("ana")));
    socket.connected().await;
    let joined = socket.ask("join_room", &json!({ "room": "open" })).await;
    assert_eq!(joined["ok"], true, "{joined}");

    say_part(&core, 0).await;
    has_the_last(&core, &socket, TOPIC, Some(PART)).await;
    for (name, payload) in told(&socket, TOPIC) {
        assert_eq!(payload.get("n").is_some(), name != LATER_TYPE, "{name} {payload}");
    }
    // From the stream that comes back, and from the log.
    core.kill();
    core.restart().await;
    say_part(&core, 1).await;
    has_the_last(&core, &socket, TOPIC, Some(2 * PART)).await;
    let late = clients.connect(&edge.url(), Some(&user("bob")));
    late.connected().await;
    let since = told(&socket, TOPIC)[PART - 1].1["cursor"].clone();
    let joined = late.ask("join_room", &json!({ "room": "open", "since": since })).await;
    assert_eq!(joined["resumed"], true, "{joined}");
    has_the_last(&core, &late, TOPIC, Some(PART)).await;

    let request = CreateJobRequest {
        kind: KIND.to_owned(),
        owner: "ana".to_owned(),
        ..CreateJobRequest::default()
    };
    let job = core.jobs().create_job(request).await.unwrap().into_inner().job.expect("a job");
    let joined = socket.ask("join_job", &json!({ "job_id": job.job_id })).await;
    assert_eq!(joined["ok"], true, "{joined}");
    let worker = Worker::new("w", core.jobs());
    let assignment = worker.lease(KIND).await;
    worker.report(progress(&assignment, 1, 50.0)).await.unwrap();
    worker.report(completed(&assignment, 2)).await.unwrap();
    let ended = socket.event_where("job_update", |update| update["status"] == "completed").await;
    assert_eq!(ended["result"], json!({ "done": true }));
    has_the_last(&core, &socket, &format!("job:{}", job.job_id), None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_loses_nothing_of_what_a_core_of_a_later_version_says() {
    lose_nothing(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_of_a_later_version_loses_nothing_at_a_core_that_lacks_calls() {
    lose_nothing(&LACKING).await;
}
