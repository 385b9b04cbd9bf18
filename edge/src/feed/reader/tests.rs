//! What counts as delivered when a reader is ended, over random histories. No core is asked: all is in
//! the ring.

use futures::FutureExt as _;
use proptest::prelude::*;
use roomcast_proto::v1::Event;

use super::*;
use crate::feed::tests::nowhere;

const EVENTS: u64 = 40;

fn cursor(offset: u64) -> String {
    format!("c{offset}")
}

fn reader(feeds: &Feeds) -> Reader {
    let response = JoinResponse {
        topic: "room:a".to_owned(),
        cursor: cursor(0),
        head: cursor(0),
        ..JoinResponse::default()
    };
    feeds.joined(Caller::edge(), response).reader
}

/// What comes out at once, if anything does.
fn next(reader: &mut Reader) -> Option<u64> {
    let Delivery::Event(event) = reader.next().now_or_never()? else {
        panic!("only events are there")
    };
    Some(event.offset())
}

/// Delivers everything to one socket. Where `ends` says so the reader is ended while an event is on its
/// way, and another goes on where it was.
fn delivered(ends: &[bool]) -> Vec<u64> {
    let feeds = nowhere();
    let mut reader = reader(&feeds);
    let events =
        (1..=EVENTS).map(|offset| Event { offset, cursor: cursor(offset), ..Event::default() });
    reader.feed.arrive(&events.collect::<Vec<_>>(), true);
    let mut ends = ends.iter();
    let mut got = Vec::new();
    while let Some(offset) = next(&mut reader) {
        if ends.next() == Some(&true) {
            let position = reader.halt();
            reader = self::reader(&feeds);
            reader.begin_after(&position);
        } else {
            got.push(offset);
        }
        assert!(got.len() as u64 <= EVENTS, "some came twice: {got:?}");
    }
    got
}

proptest! {
    #[test]
    fn an_event_that_was_on_its_way_when_its_reader_ended_comes_once(
        ends in prop::collection::vec(any::<bool>(), 0..100),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _context = runtime.enter();
        prop_assert_eq!(delivered(&ends), (1..=EVENTS).collect::<Vec<_>>());
    }
}
