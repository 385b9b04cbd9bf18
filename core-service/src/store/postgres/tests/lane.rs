//! Batches that do not find things as they were planned.

use std::collections::BTreeSet;

use futures::future::join_all;
use futures::poll;
use roomcast_test_servers::Postgres;

use super::cluster::{insist, open, publish, room, text};
use crate::domain::job::Limits;
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};
use crate::store::commit::{Action, Command, Committed, Idempotency};
use crate::store::conformance::spec_at;
use crate::store::postgres::LANES;
use crate::store::postgres::clock::NOW;
use crate::store::postgres::connection::Connection;
use crate::store::postgres::plan::{More, Planner};
use crate::store::postgres::target::Target;
use crate::store::{Error, PageLimit, Store, session};

/// For each lane more than a batch may run again for.
const JOBS: u32 = 48;
/// No more than it may.
const FEW: u32 = 4;
/// Rooms that keep all lanes busy.
const ROOMS: u32 = 8;
/// Holds all rooms, and waits for nobody.
const HOLD: &str =
    "BEGIN; SELECT FROM topic WHERE kind = 4 FOR UPDATE; PREPARE TRANSACTION 'holding'";
const RELEASE: &str = "ROLLBACK PREPARED 'holding'";

/// Creates a job under a key, or finds the one that was created under it.
fn create(key: u32, job: u32) -> Command {
    let (scope, key) = ("create".to_owned(), format!("key-{key}"));
    let idempotency = Idempotency { scope, key, content: [1; 32], expires_at: Time(u64::MAX >> 1) };
    let spec = Box::new(spec_at(Time(1), job));
    let action = Action::CreateJob { spec, input: None, taker: None };
    Command { action, idempotency: Some(idempotency), trace: None }
}

async fn publish_to_all(store: &dyn Store, round: &str) -> Vec<Result<Committed, Error>> {
    let said = (0..ROOMS).map(|n| publish(room(n), &format!("{round}-{n}")));
    join_all(said.map(|command| store.commit(command))).await
}

/// Asks for all of it while the lanes wait for rooms that somebody holds: what is in a lane's queue by then
/// is one batch.
pub(super) async fn together(
    server: &Postgres,
    store: &dyn Store,
    commands: impl Iterator<Item = Command>,
) -> Vec<Result<Committed, Error>> {
    publish_to_all(store, "before").await;
    server.say(HOLD);
    let mut held = Box::pin(publish_to_all(store, "while"));
    assert!(poll!(&mut held).is_pending());
    wait_for(server, LANES);
    let mut asked = Box::pin(join_all(commands.map(|command| store.commit(command))));
    assert!(poll!(&mut asked).is_pending(), "they wait for the lanes together");
    server.say(RELEASE);
    let answers = asked.await;
    assert!(held.await.iter().all(Result::is_ok));
    answers
}

/// Until so many lanes wait for a lock.
fn wait_for(server: &Postgres, lanes: usize) {
    let are_waiting = format!(
        "SELECT count(*) = {lanes} FROM pg_stat_activity
         WHERE application_name = 'roomcast-core' AND wait_event_type = 'Lock'"
    );
    while server.say(&are_waiting) != "t" {}
}

/// The keys of a batch lead to jobs that its commands do not name, so that each run finds one more topic.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_touches_more_than_it_can_foresee_is_committed_one_by_one() {
    let server = Postgres::start_with(&["max_prepared_transactions=1"], &[]);
    let store = open(server.url());
    for n in 0..JOBS {
        store.commit(create(n, n)).await.expect("created");
    }
    let again = (0..JOBS).map(|n| create(n, JOBS + n));
    for (n, answer) in together(&server, &store, again).await.into_iter().enumerate() {
        let Ok(Committed::Job { record, is_replay: true, .. }) = answer else {
            panic!("{n}: {answer:?}")
        };
        assert_eq!(record.job.spec.id, format!("job-{n:06}"));
    }
}

/// What creates a job a second time makes a topic before it knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_nobody_needs_after_all_is_not_left() {
    let server = Postgres::start_with(&["max_prepared_transactions=1"], &[]);
    let store = open(server.url());
    for n in 0..FEW {
        store.commit(create(n, n)).await.expect("created");
    }
    let again = (0..FEW).map(|n| create(n, FEW + n));
    let beside = (0..ROOMS).map(|n| publish(room(n), &format!("beside-{n}")));
    for answer in together(&server, &store, again.chain(beside)).await {
        answer.expect("committed");
    }
    let topics = server.say("SELECT count(*) FROM topic WHERE kind = 1");
    assert_eq!(topics, FEW.to_string());
}

/// Publishes to a room that somebody holds for as long; answers when it was let go.
pub(super) async fn publish_while_held(server: &Postgres, store: &dyn Store) -> Time {
    server.say(HOLD);
    let mut held = Box::pin(store.commit(publish(room(0), "while")));
    assert!(poll!(&mut held).is_pending());
    wait_for(server, 1);
    let released = server.say(NOW).parse().expect("a time");
    server.say(RELEASE);
    held.await.expect("published");
    Time(released)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_dated_after_the_wait_for_its_topic() {
    let server = Postgres::start_with(&["max_prepared_transactions=1"], &[]);
    let store = open(server.url());
    insist(&store, &room(0), "before").await;
    let released = publish_while_held(&server, &store).await;
    let page = store.read(&room(0), 0, PageLimit::REPLAY).await.expect("a page");
    assert!(page.events[1].time >= released, "{:?} {released:?}", page.events[1]);
}

/// Whoever waits for a topic must not hold a key that others wait for with the topic in their hands.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lane_waits_for_its_topic_before_it_writes_a_key_remembered_or_not() {
    let server = Postgres::start_with(&["max_prepared_transactions=1"], &[]);
    let store = open(server.url());
    let holders = "SELECT count(*) FROM pg_locks
         WHERE relation = 'idempotency'::regclass AND mode = 'RowExclusiveLock'";
    for n in 0..2 * u64::from(FEW) {
        server.say(HOLD);
        let mut held = Box::pin(store.commit(publish(room(0), &n.to_string())));
        assert!(poll!(&mut held).is_pending());
        if n > 0 {
            wait_for(&server, 1);
            assert_eq!(server.say(holders), "0", "{n}");
        }
        server.say(RELEASE);
        held.await.expect("published");
    }
}

#[test]
fn the_topic_of_a_project_that_is_deleted_is_planned() {
    let server = Postgres::start();
    drop(open(server.url()));
    server.say("INSERT INTO project VALUES('p1', 'acme', 'one', 'alice', 1)");
    let target = Target::new(&server.url(), None).expect("an address");
    let connection = Connection::open(&target).expect("connected");
    let delete = session::Action::DeleteProject { project_id: "p1".to_owned() };
    let action = Action::Session(Box::new(delete));
    let command = Command { action, idempotency: None, trace: None };
    let (limits, more) = (Limits::default(), More::default());
    let plan = Planner::new().plan(&connection, &[&command], &limits, &more).expect("a plan");
    let topic = Topic::new("acme", Kind::Project, "p1").expect("a topic");
    assert!(plan.topics.contains(&topic), "{plan:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lane_that_was_forgotten_commits_nothing_before_it_has_a_new_stamp() {
    let server = Postgres::start();
    let store = open(server.url());
    insist(&store, &room(0), "before").await;
    server.say("DELETE FROM lane");
    assert_eq!(insist(&store, &room(0), "after").await, 2);
    let page = store.read(&room(0), 0, PageLimit::REPLAY).await.expect("a page");
    let stamps: BTreeSet<u32> = page.events.iter().map(|event| event.cursor.stamp).collect();
    assert_eq!(stamps.len(), 2, "{stamps:?}");
    let known = format!("SELECT count(*) FROM lane WHERE stamp = {}", page.head.stamp);
    assert_eq!(server.say(&known), "1");
}

/// As after a fail-over behind a pooler that the connection does not notice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_whose_row_is_another_one_is_found_by_its_name() {
    let server = Postgres::start();
    let store = open(server.url() + "&pooling=transaction");
    for round in 0..2 {
        for n in 0..2 {
            insist(&store, &room(n), &format!("{n} of {round}")).await;
        }
    }
    server.say(
        "UPDATE topic SET id = -id WHERE kind = 4; UPDATE event SET topic = -topic;
         UPDATE topic t SET id = (SELECT sum(-o.id) FROM topic o WHERE o.kind = 4) + t.id
         WHERE kind = 4;
         UPDATE event e SET topic = (SELECT sum(o.id) FROM topic o WHERE o.kind = 4) + e.topic",
    );
    for n in 0..2 {
        assert_eq!(insist(&store, &room(n), &format!("{n} of 2")).await, 3);
    }
    server.say("UPDATE topic SET id = id + 1000; UPDATE event SET topic = topic + 1000");
    for n in 0..2 {
        assert_eq!(insist(&store, &room(n), &format!("{n} of 3")).await, 4);
        let page = store.read(&room(n), 0, PageLimit::REPLAY).await.expect("a page");
        let said: Vec<String> = page.events.iter().map(|event| text(event)).collect();
        let expected: Vec<String> = (0..4).map(|round| format!("{n} of {round}")).collect();
        assert_eq!(said, expected);
    }
}
