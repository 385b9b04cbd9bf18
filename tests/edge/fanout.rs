//! Many sockets in one room: each receives everything in order, whatever another one does.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::checker::check;
use crate::support::evidence::length;
use crate::support::log_reader::read_log_by_rest;
use crate::support::{
    Author, Comeback, Core, Crowd, Edge, Evidence, Manner, Recorder, System, admin, eventually,
    within,
};

const ROOM: &str = "room:open";
const OTHER_ROOM: &str = "room:news";
/// Between two events where they come steadily.
const PACE: Duration = Duration::from_millis(20);
/// The edge has given a socket up that took nothing: its deadline, and what a busy machine adds.
const GIVEN_UP: Duration = Duration::from_secs(60);

/// Sockets of a room, from its head on.
async fn gather(edge: &Edge, author: &Author, topic: &str, count: usize) -> Crowd {
    Crowd::gather(count, manner(edge, author, topic).await).await
}

async fn manner(edge: &Edge, author: &Author, topic: &str) -> Manner {
    Manner {
        door: edge.address(),
        topic: topic.to_owned(),
        after: author.head().await,
        comeback: Comeback::Spread,
        receive_buffer: None,
    }
}

/// The checker's word on all that was published to these rooms and received of them.
async fn judge(edge: &Edge, recorder: &Recorder, crowds: &[&Crowd]) {
    let rest = edge.rest(&admin("root"));
    let mut history = recorder.history();
    for stream in crowds.iter().flat_map(|crowd| crowd.streams()) {
        if !history.logs.contains_key(&stream.topic) {
            let log = read_log_by_rest(&rest, &stream.topic).await;
            history.logs.insert(stream.topic.clone(), log);
        }
        history.streams.push(stream);
    }
    assert_eq!(check(&history), []);
    for crowd in crowds {
        assert_eq!(crowd.told(), Vec::<String>::new());
    }
}

/// What the edge's memory may grow by while sockets do not read: their queues are bounded.
const STUCK_GROWTH_MAX: u64 = 48 << 20;
/// More than kernel and edge hold for a socket that does not read, in events of this size.
const STUCK_EVENT_BYTES: usize = 8 << 10;
const STUCK_BURST: usize = 400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_that_never_read_cost_the_others_nothing_are_given_up_and_catch_up_when_they_read()
{
    let (healthy, stuck) = length((100, 5), (990, 10));
    let mut system = System::start().await;
    let recorder = Recorder::new();
    let author = Author::new(&recorder, system.core.broadcast(), ROOM);
    let place = manner(&system.edge, &author, ROOM).await;
    let readers = Crowd::gather(healthy, place.clone()).await;
    let sleepers = Manner { receive_buffer: Some(4096), ..place };
    let sleepers = Crowd::gather(stuck, sleepers).await;

    sleepers.stop_reading();
    let large = author.clone().of_size(STUCK_EVENT_BYTES);
    let last = large.burst(STUCK_BURST).await;
    readers.all_at(&last).await;
    let before = system.edge.process().memory();
    readers.listen_closely();
    let end = CancellationToken::new();
    let publishing = tokio::spawn(author.clone().steadily(PACE, end.clone()));
    let began = Instant::now();
    within(GIVEN_UP, "those that do not read are given up", async || {
        let reason = r#"reason="slow_consumer""#;
        let killed = system.edge.metric("roomcast_edge_kills_total", reason).await;
        (killed == stuck as f64).then_some(())
    })
    .await;
    let given_up_after = began.elapsed();
    let grown = system.edge.process().memory().saturating_sub(before);
    let silence = readers.longest_silence();
    sleepers.read_again();
    sleepers.all("back and told why", |record| record.ended_as == ["slow_consumer"]).await;
    end.cancel();
    let slowest = publishing.await.expect("an author that does not panic");

    let last = author.burst(1).await;
    readers.all_at(&last).await;
    sleepers.all_at(&last).await;
    assert_eq!(readers.count(|record| record.losses > 0), 0, "nobody else lost its connection");
    assert!(grown < STUCK_GROWTH_MAX, "the edge grew by {grown} bytes");
    judge(&system.edge, &recorder, &[&readers, &sleepers]).await;
    Evidence::of("Sockets that never read, in a room of a thousand", "sockets_that_never_read")
        .row("sockets that read, that do not", format!("{healthy}, {stuck}"))
        .row("events received", readers.received() + sleepers.received())
        .row("given up as slow_consumer", stuck)
        .row("given up after", format!("{given_up_after:.1?}"))
        .row(
            "longest time without data of any that reads, at 50 events/s",
            format!("{silence:.0?}"),
        )
        .row("longest wait of their author for a commit", format!("{slowest:.0?}"))
        .row("connections lost by those that read", 0)
        .row("edge's memory grew by", format!("{:.1} MB", grown as f64 / 1e6))
        .row("contradictions found by the checker", 0)
        .write("slow-consumers");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_reaches_every_socket_whole_and_in_order() {
    let (sockets, events) = length((50, 5_000), (200, 100_000));
    let system = System::start().await;
    let recorder = Recorder::new();
    let author = Author::new(&recorder, system.core.broadcast(), ROOM);
    let crowd = gather(&system.edge, &author, ROOM, sockets).await;
    let began = Instant::now();
    let last = author.burst(events).await;
    let published = began.elapsed();
    crowd.all_at(&last).await;
    let received = began.elapsed();
    assert_eq!(crowd.received(), sockets * events);
    assert_eq!(crowd.count(|record| record.losses > 0), 0, "all stayed connected");
    judge(&system.edge, &recorder, &[&crowd]).await;
    Evidence::of("A burst to two hundred sockets", "a_burst_reaches_every_socket")
        .row("sockets", sockets)
        .row("events", events)
        .row("events received, in order", crowd.received())
        .row("published within, in batches of 1,000", format!("{published:.1?}"))
        .row("received by all within", format!("{received:.1?}"))
        .row("connections lost", 0)
        .row("contradictions found by the checker", 0)
        .write("burst");
}

/// What a replay may cost the edge, however long it is: pages, not the history.
const REPLAY_GROWTH_MAX: u64 = 32 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_replay_costs_the_edge_pages_and_the_live_sockets_nothing() {
    let (live, events) = length((20, 20_000), (200, 1_000_000));
    let core = Core::start_with(&["--retention", "room=events:none,bytes:none"]).await;
    let mut edge = Edge::start(&core).await;
    let recorder = Recorder::new();
    let author = Author::new(&recorder, core.broadcast(), ROOM);
    let from_the_first = manner(&edge, &author, ROOM).await;
    let last = author.burst(events).await;

    let living = Author::new(&recorder, core.broadcast(), OTHER_ROOM);
    let crowd = gather(&edge, &living, OTHER_ROOM, live).await;
    let end = CancellationToken::new();
    let publishing = tokio::spawn(living.clone().steadily(PACE, end.clone()));
    eventually("events flow", async || (crowd.received() > live).then_some(())).await;
    crowd.listen_closely();
    let before = edge.process().memory();
    let began = Instant::now();
    let replaying = Crowd::gather(1, from_the_first).await;
    let mut highest = before;
    within(Duration::from_secs(600), "the replay is at the head", async || {
        highest = highest.max(edge.process().memory());
        (replaying.received() == events).then_some(())
    })
    .await;
    let (took, silence) = (began.elapsed(), crowd.longest_silence());
    end.cancel();
    let slowest = publishing.await.expect("an author that does not panic");

    replaying.all_at(&last).await;
    crowd.all_at(&living.burst(1).await).await;
    let grown = highest - before;
    assert!(grown < REPLAY_GROWTH_MAX, "the edge grew by {grown} bytes");
    judge(&edge, &recorder, &[&replaying, &crowd]).await;
    Evidence::of("A replay of a million events by one socket", "a_long_replay")
        .row("events replayed", events)
        .row("within", format!("{took:.1?}"))
        .row("edge's memory grew at most by", format!("{:.1} MB", grown as f64 / 1e6))
        .row("live sockets in another room", live)
        .row("longest time without data of any of them, at 50 events/s", format!("{silence:.0?}"))
        .row("longest wait of their author for a commit", format!("{slowest:.0?}"))
        .row("contradictions found by the checker", 0)
        .write("replay");
}
