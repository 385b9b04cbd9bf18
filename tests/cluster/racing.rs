//! Several processes write the same topics of one database at the same time, as fast as they can: offsets
//! stay without a gap, and their order is the order of commits.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::checker::check;
use crate::support::evidence::length;
use crate::support::recorder::publisher;
use crate::support::{Core, Evidence, Postgres, Recorder, Subscriber, eventually};

const WRITERS: usize = 3;
const TOPICS: [&str; 3] = ["room:open", "room:news", "room:metrics"];
/// Of each process, to each topic.
const PUBLISHERS: usize = 2;

/// Topics of which anything is missing below the highest offset that can be seen. It may be asked at any
/// moment: what is committed later lies behind.
const HOLES: &str = r#"SELECT count(*) FROM (SELECT topic FROM event GROUP BY topic
    HAVING count(*) <> max("offset") OR min("offset") <> 1) AS holed"#;
/// Neighbours of which the later one was committed before the earlier one.
const BACKWARDS: &str = r#"SELECT count(*) FROM (
    SELECT pg_xact_commit_timestamp(xmin) AS at,
      lag(pg_xact_commit_timestamp(xmin)) OVER (PARTITION BY topic ORDER BY "offset") AS before
    FROM event) AS pairs WHERE at < before"#;
/// Neighbours that different connections wrote: without them nobody has raced.
const TURNS: &str = r#"SELECT count(*) FROM (
    SELECT stamp, lag(stamp) OVER (PARTITION BY topic ORDER BY "offset") AS before
    FROM event) AS pairs WHERE stamp <> before"#;
/// Heads that are not at their topic's last event.
const WRONG_HEADS: &str = r#"SELECT count(*) FROM topic
    WHERE head <> (SELECT coalesce(max("offset"), 0) FROM event WHERE event.topic = topic.id)"#;
const DEADLOCKS: &str = "SELECT deadlocks FROM pg_stat_database WHERE datname = 'postgres'";

/// A database that remembers when transactions were committed.
fn database() -> Postgres {
    let mut database = Postgres::start();
    database.say("ALTER SYSTEM SET track_commit_timestamp = on");
    database.kill_and_restart();
    database
}

fn number(database: &Postgres, statement: &str) -> u64 {
    database.say(statement).parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_processes_give_out_offsets_without_a_gap_in_the_order_of_commits() {
    let (enough, time) = length((1500, Duration::ZERO), (0, Duration::from_secs(60)));
    let database = database();
    let (recorder, end) = (Recorder::new(), CancellationToken::new());
    let (mut cores, mut publishers) = (Vec::new(), JoinSet::new());
    for _ in 0..WRITERS {
        cores.push(Core::start_with(&["--store", &database.url()]).await);
    }
    let mut subscribers = Vec::new();
    for (topic, core) in TOPICS.iter().zip(&cores) {
        subscribers.push(Subscriber::spawn(core.broadcast(), topic, topic).await);
    }
    for (writer, core) in cores.iter().enumerate() {
        for (topic, number) in
            TOPICS.iter().flat_map(|topic| (0..PUBLISHERS).map(move |n| (topic, n)))
        {
            let names = ((*topic).to_owned(), format!("{writer}-{topic}-{number}"));
            publishers.spawn(publisher(recorder.clone(), core.broadcast(), names, end.clone()));
        }
    }
    let (began, mut looks) = (Instant::now(), 0);
    while recorder.acked() < enough || began.elapsed() < time {
        assert_eq!(number(&database, HOLES), 0, "in the middle of it");
        looks += 1;
    }
    let span = began.elapsed();
    end.cancel();
    while let Some(ended) = publishers.join_next().await {
        ended.expect("no panic");
    }

    let topics = TOPICS.map(str::to_owned);
    let history = recorder.finish(&cores[0].broadcast(), &topics).await;
    for (topic, subscriber) in TOPICS.iter().zip(&subscribers) {
        let head = &history.logs[*topic].last().expect("events").cursor;
        eventually("the subscriber is at the head", async || {
            (subscriber.reached() == *head).then_some(())
        })
        .await;
        recorder.streamed(subscriber.complete());
    }
    let history = recorder.finish(&cores[0].broadcast(), &topics).await;
    assert_eq!(check(&history), []);
    let [holes, backwards, wrong_heads] =
        [HOLES, BACKWARDS, WRONG_HEADS].map(|statement| number(&database, statement));
    assert_eq!((holes, backwards, wrong_heads), (0, 0, 0));
    let turns = number(&database, TURNS);
    assert!(turns > recorder.acked() as u64 / 20, "they took turns {turns} times: nobody raced");
    let deadlocks = number(&database, DEADLOCKS);
    assert_eq!(deadlocks, 0);
    println!("{} events, {turns} turns, {looks} looks in {span:.1?}", recorder.acked());
    Evidence::of("Several processes write the same topics of one PostgreSQL", "racing_processes")
        .row(
            "processes, topics, publishers",
            format!("{WRITERS}, {}, {}", TOPICS.len(), WRITERS * TOPICS.len() * PUBLISHERS),
        )
        .row("duration", format!("{span:.0?}"))
        .row("events acknowledged", recorder.acked())
        .row("neighbouring events of different writers", turns)
        .row("looks at the table in the middle of it, each without a hole", looks)
        .row("neighbours against the order of commits (`pg_xact_commit_timestamp`)", backwards)
        .row("deadlocks", deadlocks)
        .row("contradictions found by the checker", 0)
        .write("racing-writers");
}
