//! Several cores on one database, and a database that dies under them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command as Process, Stdio};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use futures::future::poll_immediate;
use roomcast_test_servers::Postgres;

use crate::domain::event::{Body, Event, NewEvent};
use crate::domain::payload::Payload;
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};
use crate::store::commit::{Action, Command, Committed, Idempotency};
use crate::store::postgres::connection::Connection;
use crate::store::postgres::failure::Failure;
use crate::store::postgres::target::Target;
use crate::store::postgres::{OpenError, PostgresConfig, PostgresStore, READERS, read};
use crate::store::sql::Reads as _;
use crate::store::{Error, PageLimit, Store};

/// Where a process that the tests start finds the database, and what it is called.
const URL: &str = "ROOMCAST_TEST_DATABASE";
const NAME: &str = "ROOMCAST_TEST_WRITER";
/// Rooms that all writers share: few, so that they meet.
const ROOMS: u32 = 3;
const WRITERS: u32 = 2;
const EVENTS: u32 = 400;
/// Publishes of one writer that wait at once.
const AT_ONCE: u32 = 16;
const KILLS: u32 = 3;
/// Pause before a refused publish is asked for again.
const AGAIN: Duration = Duration::from_millis(20);
/// Longer than any outage here.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn open(url: String) -> PostgresStore {
    PostgresStore::open(PostgresConfig::new(url), Arc::new(|_| {})).expect("opens")
}

pub(super) fn room(n: u32) -> Topic {
    Topic::new("acme", Kind::Room, &format!("room-{n}")).expect("a topic")
}

pub(super) fn publish(topic: Topic, text: &str) -> Command {
    let payload = Payload::json(serde_json::json!({ "text": text }).to_string());
    let events = vec![NewEvent { kind: "said".into(), body: Body::Payload(payload) }];
    let action = Action::Publish { topic, events, expected_offset: None };
    let (scope, key) = ("publish".to_owned(), text.to_owned());
    let idempotency = Idempotency { scope, key, content: [1; 32], expires_at: Time(u64::MAX >> 1) };
    Command { action, idempotency: Some(idempotency), trace: None }
}

pub(super) fn text(event: &Event) -> String {
    let Body::Payload(payload) = &event.body else { panic!("{event:?} is no payload") };
    let value: serde_json::Value = serde_json::from_slice(&payload.data).expect("JSON");
    value["text"].as_str().expect("a text").to_owned()
}

/// Publishes with a key, as often as it takes.
pub(super) async fn insist(store: &PostgresStore, topic: &Topic, text: &str) -> u64 {
    let begun = Instant::now();
    loop {
        match store.commit(publish(topic.clone(), text)).await {
            Ok(Committed::Published { cursors, .. }) => return cursors[0].offset,
            Err(Error::Unavailable(_) | Error::Overloaded) if begun.elapsed() < PATIENCE => {
                tokio::time::sleep(AGAIN).await;
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_was_copied_has_a_name_of_its_own_though_all_in_it_is_the_same() {
    let server = Postgres::start();
    let name = |url: String| {
        let store = open(url);
        (store.cluster().name().to_owned(), store.cluster().key().to_vec())
    };
    let original = name(server.url());
    server.say("CREATE DATABASE copied TEMPLATE postgres");
    let copied = name(server.url_of("copied"));
    assert_ne!(copied.0, original.0);
    assert_eq!(copied.1, original.1, "the key was copied with the rest");
    assert_eq!(name(server.url()), original, "a start changes nothing");
}

/// Longer than a read that finds a free connection, and shorter than a read may take.
const LONG_READ: &str = "SELECT pg_sleep(1.5)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_topic_of_rights_stands_is_told_while_all_readers_are_busy() {
    let server = Postgres::start();
    let store = Arc::new(open(server.url()));
    let reads = (0..READERS).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            store
                .query(|connection| {
                    connection.query(LONG_READ, &[]).map(|rows| rows.len()).map_err(Failure::Engine)
                })
                .await
        })
    });
    let reads: Vec<_> = reads.collect();
    // Not by a program that is started for each look: on a busy machine the reads would be over by then.
    let target = Target::new(&server.url(), None).expect("an address");
    let busy = format!(
        "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query = '{LONG_READ}'"
    );
    let are_busy = tokio::task::spawn_blocking(move || {
        let observer = Connection::open(&target).expect("connected");
        while observer.query(&busy, &[]).expect("an answer").len() < READERS {}
    });
    are_busy.await.expect("all are busy");
    store.position(&Topic::access(), None).await.expect("an answer");
    assert!(reads.iter().all(|read| !read.is_finished()), "it was not waited for");
    for read in reads {
        assert_eq!(read.await.expect("it ends"), Ok(1));
    }
}

/// A core of its own: what it hears acknowledged it says, room, offset and text.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a process that the test below starts"]
async fn writes_as_a_process() {
    let (Ok(url), Ok(name)) = (std::env::var(URL), std::env::var(NAME)) else { return };
    let store = Arc::new(open(url));
    let writers = (0..AT_ONCE).map(|lane| {
        let (store, name) = (Arc::clone(&store), name.clone());
        tokio::spawn(async move {
            for n in (lane..EVENTS).step_by(AT_ONCE as usize) {
                let (room_number, text) = (n % ROOMS, format!("{name}-{n}"));
                let offset = insist(&store, &room(room_number), &text).await;
                println!("acknowledged {room_number} {offset} {text}");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("no panic");
    }
}

fn start_writer(url: &str, name: &str, said: mpsc::SyncSender<(u32, u64, String)>) -> Child {
    let mut writer = Process::new(std::env::current_exe().expect("a program"))
        .args(["--exact", "store::postgres::tests::cluster::writes_as_a_process"])
        .args(["--ignored", "--nocapture"])
        .env(URL, url)
        .env(NAME, name)
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let lines = BufReader::new(writer.stdout.take().expect("piped")).lines();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let Some((_, told)) = line.split_once("acknowledged ") else { continue };
            let mut words = told.split(' ');
            let mut word = || words.next().expect("three words");
            let (room, offset) = (word().parse(), word().parse());
            let told = (room.expect("a number"), offset.expect("an offset"), word().to_owned());
            said.send(told).expect("heard");
        }
    });
    writer
}

/// Processes that begin on an empty database at once, and a server that dies by `kill -9` while they
/// commit: each event is there once, where its writer was told.
#[test]
fn nothing_is_lost_and_nothing_twice_when_the_server_dies_under_racing_cores() {
    let mut server = Postgres::start();
    let (said, heard) = mpsc::sync_channel(1024);
    let names: Vec<String> = (0..WRITERS).map(|n| format!("writer-{n}")).collect();
    let writers: Vec<Child> =
        names.iter().map(|name| start_writer(&server.url(), name, said.clone())).collect();
    drop(said);
    let mut told: BTreeMap<(u32, u64), String> = BTreeMap::new();
    let all = WRITERS * EVENTS;
    let (mut kills, mut silent) = (0, names);
    while let Ok((room, offset, text)) = heard.recv() {
        silent.retain(|name| !text.starts_with(name));
        let other = told.insert((room, offset), text);
        assert_eq!(other, None, "one offset for two events");
        let count = u32::try_from(told.len()).expect("few");
        // A core does not start on a database that is away: all of them are at work.
        if silent.is_empty() && kills < KILLS && count >= (kills + 1) * all / (KILLS + 2) {
            kills += 1;
            server.kill_and_restart();
        }
    }
    for mut writer in writers {
        assert!(writer.wait().expect("ended").success());
    }
    assert_eq!((told.len(), kills), (all as usize, KILLS));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let store = open(server.url());
    let mut texts = BTreeSet::new();
    for number in 0..ROOMS {
        let limit = PageLimit { events: all as usize, bytes: usize::MAX };
        let page = runtime.block_on(store.read(&room(number), 0, limit)).expect("a page");
        assert_eq!(page.events.len() as u64, page.head.offset);
        for (event, offset) in page.events.iter().zip(1..) {
            assert_eq!(event.cursor.offset, offset);
            assert_eq!(told.get(&(number, offset)), Some(&text(event)));
            assert!(texts.insert(text(event)), "twice: {}", text(event));
        }
    }
    assert_eq!(texts.len(), all as usize);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_away_is_told_at_once_and_taken_again_when_it_is_back() {
    let mut server = Postgres::start();
    let store = open(server.url());
    insist(&store, &room(0), "before").await;
    server.kill();
    let refused = store.commit(publish(room(0), "while")).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    assert!(matches!(store.writable(), Err(Error::Unavailable(_))));
    assert!(store.read(&room(0), 0, PageLimit::REPLAY).await.is_err());
    server.restart();
    insist(&store, &room(0), "while").await;
    assert_eq!(insist(&store, &room(0), "after").await, 3);
    assert_eq!(store.writable(), Ok(()));
    let page = store.read(&room(0), 0, PageLimit::REPLAY).await.expect("a page");
    let stamps: BTreeSet<u32> = page.events.iter().map(|event| event.cursor.stamp).collect();
    assert!(stamps.len() > 1, "a new connection has a new stamp");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_after_a_read_that_panicked_sees_what_is() {
    let server = Postgres::start();
    let store = open(server.url());
    let look = |connection: &Connection| read::position(connection, &room(0), None);
    let panics = move |connection: &Connection| -> Result<(), Failure> {
        panic!("as it must, at {:?}", look(connection)?.head)
    };
    let broken = store.sentry.read(move |reader| reader.read(panics)).await;
    assert!(matches!(broken, Err(Error::Unavailable(_))), "{broken:?}");
    insist(&store, &room(0), "meanwhile").await;
    let found = store.sentry.read(move |reader| reader.read(look)).await.expect("read");
    assert_eq!(found.head.offset, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_ends_though_its_database_stands_still() {
    let server = Postgres::start();
    let store = open(server.url());
    insist(&store, &room(1), "before").await;
    server.pause();
    // Queued, so that a lane has it before it ends.
    let asked = poll_immediate(store.commit(publish(room(1), "unheard"))).await;
    assert_eq!(asked, None);
    let ended = tokio::task::spawn_blocking(move || drop(store));
    // By itself the silence would be noticed after twelve seconds.
    let ended = tokio::time::timeout(Duration::from_secs(9), ended).await;
    server.go_on();
    ended.expect("in time").expect("ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cores_that_start_together_find_one_schema_and_an_older_one_is_refused() {
    let server = Postgres::start();
    let starts = (0..4).map(|_| {
        let url = server.url();
        tokio::task::spawn_blocking(move || drop(open(url)))
    });
    for start in starts.collect::<Vec<_>>() {
        start.await.expect("opened");
    }
    let url = server.url();
    let raised = tokio::task::spawn_blocking(move || {
        let target = Target::new(&url, None).expect("an address");
        let connection = Connection::open(&target).expect("connected");
        connection.run("UPDATE meta SET value = 99 WHERE key = 'schema'").expect("raised");
    });
    raised.await.expect("raised");
    let refused = PostgresStore::open(PostgresConfig::new(server.url()), Arc::new(|_| {}));
    assert!(
        matches!(refused, Err(OpenError::NewerSchema { found: 99, known: 1..=98 })),
        "{refused:?}"
    );
}
