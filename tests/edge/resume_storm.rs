//! Every socket of an edge comes back at once, and the log is read once for all of them.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::checker::check;
use crate::support::evidence::length;
use crate::support::log_reader::read_log_by_rest;
use crate::support::{
    Author, Comeback, Crowd, Evidence, Manner, Recorder, System, admin, eventually, within,
};

const ROOM: &str = "room:open";
const PACE: Duration = Duration::from_millis(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_sockets_of_a_killed_edge_are_back_at_the_head_soon_and_miss_nothing() {
    let sockets = length(200, 2_000);
    let spread = storm(sockets, Comeback::Spread, Duration::from_secs(10)).await;
    let in_step = storm(sockets, Comeback::InStep, Duration::from_secs(30)).await;
    Evidence::of("All sockets of an edge come back at once", "all_sockets_of_a_killed_edge")
        .row("sockets", sockets)
        .row("events published meanwhile", format!("one every {PACE:?}"))
        .row("back at the head after the kill, with the client's jitter", format!("{spread:.1?}"))
        .row("back at the head after the kill, without jitter", format!("{in_step:.1?}"))
        .row("contradictions found by the checker", 0)
        .write("resume-storm");
}

/// Answers how long after the kill the last socket was at the head.
async fn storm(sockets: usize, comeback: Comeback, limit: Duration) -> Duration {
    let mut system = System::start().await;
    let recorder = Recorder::new();
    let author = Author::new(&recorder, system.core.broadcast(), ROOM);
    let manner = Manner {
        door: system.edge.address(),
        topic: ROOM.to_owned(),
        after: author.head().await,
        comeback,
        receive_buffer: None,
    };
    let crowd = Crowd::gather(sockets, manner).await;
    let end = CancellationToken::new();
    let publishing = tokio::spawn(author.clone().steadily(PACE, end.clone()));
    eventually("events flow", async || (crowd.received() > sockets).then_some(())).await;

    system.edge.kill();
    let began = Instant::now();
    system.edge.restart().await;
    let (_, head) = author.head().await;
    within(length(limit * 3, limit), "all are back at the head", async || {
        (crowd.count(|record| record.greetings > 1) == sockets && crowd.are_past(&head))
            .then_some(())
    })
    .await;
    let took = began.elapsed();
    end.cancel();
    publishing.await.expect("an author that does not panic");

    crowd.all_at(&author.burst(1).await).await;
    let mut history = recorder.history();
    let log = read_log_by_rest(&system.edge.rest(&admin("root")), ROOM).await;
    history.logs.insert(ROOM.to_owned(), log);
    history.streams = crowd.streams();
    assert_eq!(check(&history), []);
    assert_eq!(crowd.told(), Vec::<String>::new());
    took
}
