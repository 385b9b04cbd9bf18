use std::sync::mpsc::channel;
use std::time::Duration;

use super::*;
use crate::domain::cursor::Cursor;
use crate::domain::event::Body;
use crate::domain::payload::Payload;
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};

const PATIENCE: Duration = Duration::from_secs(10);

fn event(offset: u64) -> Arc<Event> {
    holding(offset, "{}")
}

fn holding(offset: u64, json: impl Into<bytes::Bytes>) -> Arc<Event> {
    Arc::new(Event {
        topic: Topic::new("acme", Kind::Room, "r").expect("a topic"),
        cursor: Cursor { offset, stamp: 1 },
        time: Time(1),
        trace: None,
        kind: "said".into(),
        body: Body::Payload(Payload::json(json)),
    })
}

#[test]
#[allow(clippy::disallowed_methods, reason = "what a test counts is bounded by the test")]
fn an_observer_that_panics_or_blocks_harms_no_other() {
    let (told, heard) = channel();
    let (release, blocked) = channel::<()>();
    let audience = Observers::default()
        .with(Observer::new("bad", |_| panic!("a bad observer")))
        .with(Observer::new("slow", move |_| assert!(blocked.recv().is_err())))
        .with(Observer::new("good", move |event| told.send(event.cursor.offset).expect("heard")))
        .start()
        .expect("threads");
    for offset in 1..=1000 {
        audience.hear(&event(offset));
    }
    let offsets: Vec<u64> =
        (0..1000).map(|_| heard.recv_timeout(PATIENCE).expect("in time")).collect();
    assert!(offsets.iter().copied().eq(1..=1000), "each once, in order");
    drop(release);
}

#[test]
#[allow(clippy::disallowed_methods, reason = "what a test counts is bounded by the test")]
fn a_slow_observer_is_told_what_it_missed() {
    let (release, blocked) = channel::<()>();
    let (told, missed) = channel();
    let slow = Observer::new("slow", move |_| assert!(blocked.recv().is_err()));
    let slow = slow.missing(move |count| told.send(count).expect("heard"));
    let audience = Observers::default().with(slow).start().expect("a thread");
    let sent = QUEUE_EVENTS_MAX as u64 + 100;
    (1..=sent).for_each(|offset| audience.hear(&event(offset)));
    drop(release);
    let missed = missed.recv_timeout(PATIENCE).expect("told");
    assert!((99..=100).contains(&missed), "{missed}: one may be on its way");
}

#[test]
#[allow(clippy::disallowed_methods, reason = "what a test counts is bounded by the test")]
fn large_events_wait_within_a_bound_of_bytes() {
    const LARGE: usize = 1 << 20;
    let (release, blocked) = channel::<()>();
    let (told, heard) = channel();
    let slow = Observer::new("slow", move |event| {
        let _ = blocked.recv();
        told.send(event.cursor.offset).expect("heard");
    });
    let audience = Observers::default().with(slow).start().expect("a thread");
    let large = bytes::Bytes::from(vec![b' '; LARGE]);
    let sent = 2 * (QUEUE_BYTES_MAX / LARGE) as u64;
    (1..=sent).for_each(|offset| audience.hear(&holding(offset, large.clone())));
    drop((release, audience));
    let fit = heard.iter().count();
    let room = QUEUE_BYTES_MAX / LARGE;
    assert!((room..=room + 2).contains(&fit), "{fit} of {sent}: one may have been on its way");
}
