//! A lane over a pipe that is small and whose peer reads when the test says so.

use std::io::ErrorKind;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
    sync::Semaphore,
    time::{sleep, timeout},
};

use super::*;

/// Long against what the tests do between two looks, short to wait for.
const DEADLINE: Duration = Duration::from_millis(300);
/// Bytes that fit between both ends.
const PIPE: usize = 256;
const HEAD: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";

struct Ends {
    io: Io,
    lane: Arc<Lane>,
    peer: DuplexStream,
    _flushers: JoinSet<()>,
}

fn open(takes_frames: Switch) -> Ends {
    let lanes = Lanes::with_deadline(takes_frames, DEADLINE);
    let (ours, peer) = duplex(PIPE);
    let place = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
    let (io, lane) = lanes.open(ours, place);
    Ends { io, lane, peer, _flushers: lanes.run() }
}

/// A lane whose WebSocket's root namespace is open.
async fn open_websocket() -> Ends {
    let mut ends = open(Switch::On);
    ends.lane.begin_upgrade();
    ends.io.write_all(HEAD).await.unwrap();
    let reply = text_frame(&["40{}"]);
    ends.io.write_all(&reply).await.unwrap();
    ends.lane.opened(Namespace::Root).await.unwrap();
    ends.peer.read_exact(&mut vec![0; HEAD.len() + reply.len()]).await.unwrap();
    ends
}

/// Queues one frame, waiting for room.
async fn push(lane: &Arc<Lane>, frame: Bytes) -> Result<(), Over> {
    while lane.offer([(&frame, 1)])? == 0 {
        lane.has_room().await?;
    }
    Ok(())
}

fn frame(length: usize) -> Bytes {
    text_frame(&[&"x".repeat(length)])
}

#[tokio::test]
async fn frames_and_what_is_written_arrive_in_one_order() {
    let mut ends = open_websocket().await;
    let (first, second) = (text_frame(&["42[1]"]), text_frame(&["43[2]"]));
    push(&ends.lane, first.clone()).await.unwrap();
    ends.io.write_all(&second).await.unwrap();
    push(&ends.lane, first.clone()).await.unwrap();
    let mut arrived = vec![0; 2 * first.len() + second.len()];
    ends.peer.read_exact(&mut arrived).await.unwrap();
    assert_eq!(arrived, [first.clone(), second, first].concat());
}

#[tokio::test]
async fn a_websocket_whose_peer_takes_nothing_is_ended_at_the_deadline() {
    let mut ends = open_websocket().await;
    push(&ends.lane, frame(4 * PIPE)).await.unwrap();
    let began = Instant::now();
    let error = ends.io.read(&mut [0; 1]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
    assert!(began.elapsed() >= DEADLINE);
    assert_eq!(push(&ends.lane, frame(1)).await, Err(Over));
}

#[tokio::test]
async fn so_is_one_that_stops_in_the_middle_of_an_answer() {
    let mut ends = open(Switch::On);
    let began = Instant::now();
    let error = ends.io.write_all(&[0; 4 * PIPE]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
    assert!(began.elapsed() >= DEADLINE);
}

#[tokio::test]
async fn a_peer_that_takes_a_little_in_time_stays() {
    let mut ends = open_websocket().await;
    // In all it takes longer than the deadline.
    let sent = frame(12 * PIPE);
    push(&ends.lane, sent.clone()).await.unwrap();
    let mut arrived = Vec::new();
    while arrived.len() < sent.len() {
        sleep(DEADLINE / 6).await;
        let mut some = [0; PIPE];
        let length = ends.peer.read(&mut some).await.unwrap();
        arrived.extend_from_slice(&some[..length]);
    }
    assert_eq!(arrived, sent);
    assert!(timeout(2 * DEADLINE, ends.io.read(&mut [0; 1])).await.is_err());
}

#[tokio::test]
async fn who_finds_it_full_waits_until_the_peer_has_taken_much() {
    let mut ends = open_websocket().await;
    let sent = frame(100 * 1024);
    let fitting = std::iter::repeat_n((&sent, 1), 100);
    let taken = ends.lane.offer(fitting).unwrap();
    assert!((4..7).contains(&taken), "{taken}");
    let lane = Arc::clone(&ends.lane);
    let pushing = tokio::spawn(async move { push(&lane, frame(1)).await });
    let mut arrived = vec![0; taken * sent.len()];
    assert!(!pushing.is_finished());
    ends.peer.read_exact(&mut arrived).await.unwrap();
    pushing.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_kill_ends_a_read_and_a_push_that_wait() {
    let Ends { mut io, lane, peer: _peer, _flushers } = open_websocket().await;
    push(&lane, frame(LANE_BYTES)).await.unwrap();
    let pushing = tokio::spawn({
        let lane = Arc::clone(&lane);
        async move { push(&lane, frame(1)).await }
    });
    let reading = tokio::spawn(async move { io.read(&mut [0; 1]).await });
    tokio::task::yield_now().await;
    lane.kill(KillReason::Draining);
    assert_eq!(pushing.await.unwrap(), Err(Over));
    assert_eq!(reading.await.unwrap().unwrap_err().kind(), ErrorKind::ConnectionAborted);
}

/// More than a queue holds.
const LANE_BYTES: usize = 600 * 1024;

#[tokio::test]
async fn what_was_queued_last_still_goes_when_the_connection_is_dropped() {
    let Ends { io, lane, mut peer, _flushers } = open_websocket().await;
    let farewell = frame(20);
    push(&lane, farewell.clone()).await.unwrap();
    drop(io);
    let mut arrived = Vec::new();
    peer.read_to_end(&mut arrived).await.unwrap();
    assert_eq!(arrived, farewell);
    assert_eq!(lane.offer([(&farewell, 1)]), Err(Over));
    assert_eq!(lane.opened(Namespace::Root).await, Err(Over));
}

#[tokio::test]
async fn a_lane_that_is_off_passes_on_what_is_written_and_nothing_else() {
    let mut ends = open(Switch::Off);
    ends.lane.begin_upgrade();
    assert!(!ends.lane.takes_frames());
    ends.io.write_all(HEAD).await.unwrap();
    ends.io.write_all(b"anything at all").await.unwrap();
    let mut arrived = vec![0; HEAD.len() + 15];
    ends.peer.read_exact(&mut arrived).await.unwrap();
    assert!(arrived.ends_with(b"anything at all"));
}
