//! Edges are replaced one after the other under steady publishing, and no application notices.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::checker::check;
use crate::support::evidence::length;
use crate::support::log_reader::read_log_by_rest;
use crate::support::{
    Author, Balancer, Comeback, Core, Crowd, Edge, Evidence, Manner, Recorder, admin, eventually,
};

const ROOM: &str = "room:open";
const PACE: Duration = Duration::from_millis(20);
/// No socket may be without data for longer.
const SILENCE_MAX: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edges_replaced_one_after_the_other_leave_no_socket_without_data_for_long() {
    let (sockets, rounds) = length((40, 1), (200, 20));
    let core = Core::start().await;
    let mut edges = [Edge::start(&core).await, Edge::start(&core).await];
    let doors = edges.each_ref().map(Edge::address);
    let balancer = Balancer::start(&doors).await;
    let recorder = Recorder::new();
    let author = Author::new(&recorder, core.broadcast(), ROOM);
    let manner = Manner {
        door: balancer.address(),
        topic: ROOM.to_owned(),
        after: author.head().await,
        comeback: Comeback::Spread,
        receive_buffer: None,
    };
    let crowd = Crowd::gather(sockets, manner).await;
    let end = CancellationToken::new();
    let publishing = tokio::spawn(author.clone().steadily(PACE, end.clone()));
    eventually("events flow", async || (crowd.received() > sockets).then_some(())).await;
    crowd.listen_closely();

    for _ in 0..rounds {
        for (number, edge) in edges.iter_mut().enumerate() {
            // A balancer takes an edge out before it is ended, or as soon as it is not ready.
            balancer.send_to(&[doors[1 - number]]);
            edge.terminate().await;
            edge.restart().await;
            balancer.send_to(&doors);
        }
    }
    crowd.all("connected", |record| record.is_in).await;
    let silence = crowd.longest_silence();
    end.cancel();
    publishing.await.expect("an author that does not panic");

    crowd.all_at(&author.burst(1).await).await;
    let mut history = recorder.history();
    let log = read_log_by_rest(&edges[0].rest(&admin("root")), ROOM).await;
    history.logs.insert(ROOM.to_owned(), log);
    history.streams = crowd.streams();
    assert_eq!(check(&history), []);
    assert!(
        crowd.told().iter().all(|told| told.starts_with(r#"["closing","#)),
        "{:?}",
        crowd.told()
    );
    assert!(silence < SILENCE_MAX, "a socket was without data for {silence:?}");
    let comebacks = crowd.count(|record| record.losses > 0);
    assert_eq!(comebacks, sockets, "every socket has lost an edge");
    Evidence::of("A rolling restart of two edges", "edges_replaced_one_after_the_other")
        .row("sockets", sockets)
        .row("edges ended and started", rounds * 2)
        .row("events, one every", format!("{PACE:?}"))
        .row("events received", crowd.received())
        .row("longest time without data of any socket", format!("{silence:.1?}"))
        .row("contradictions found by the checker", 0)
        .write("rolling-restart");
}
