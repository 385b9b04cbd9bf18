//! Which topics the bus holds, whoever lets go of them last.

use super::*;
use crate::domain::event::NewEvent;
use crate::domain::payload::Payload;
use crate::domain::time::Time;
use crate::domain::topic::Kind;

/// What each event of a busy room weighs.
const WEIGHT: usize = 512 << 10;
/// As many busy rooms as find room with two events each.
const FITTING: usize = TAILS_BYTES_MAX / WEIGHT / 2;

fn topic() -> Topic {
    Topic::new("acme", Kind::Job, "a").expect("a topic")
}

#[test]
fn a_topic_leaves_the_bus_with_its_last_follower() {
    let bus = Bus::default();
    let followers = [bus.attach(&topic()), bus.attach(&topic())];
    assert_eq!(bus.topics(), 1);
    drop(followers);
    assert_eq!(bus.topics(), 0);
}

#[test]
fn a_topic_whose_last_follower_goes_while_its_end_is_told_leaves_the_bus_too() {
    let bus = Bus::default();
    let follower = bus.attach(&topic());
    // As whoever commits has hold of it.
    let told = bus.tail(&topic()).expect("a topic that is followed");
    drop(follower);
    assert_eq!(bus.topics(), 1, "it is being told");
    drop(told);
    assert_eq!(bus.topics(), 0);
}

#[test]
fn who_follows_a_topic_anew_keeps_it_when_who_had_it_before_lets_go() {
    let bus = Bus::default();
    let before = bus.attach(&topic());
    let told = bus.tail(&topic()).expect("a topic that is followed");
    drop(before);
    let follower = bus.attach(&topic());
    drop(told);
    assert!(bus.is_followed(&topic()));
    drop(follower);
    assert_eq!(bus.topics(), 0);
}

fn room(number: usize) -> Topic {
    Topic::new("acme", Kind::Room, &number.to_string()).expect("a topic")
}

fn at(offset: u64) -> Cursor {
    if offset == 0 { Cursor::START } else { Cursor { offset, stamp: 7 } }
}

fn event(topic: Topic, offset: u64, content: NewEvent) -> Linked {
    let NewEvent { kind, body } = content;
    let event = Event { topic, cursor: at(offset), time: Time(1), trace: None, kind, body };
    Linked { event: Arc::new(event), before: Some(at(offset - 1).stamp) }
}

/// All events of busy rooms have it, and share it.
fn content() -> NewEvent {
    let of = |bytes| NewEvent {
        kind: "x".into(),
        body: Body::Payload(Payload::json(vec![b' '; bytes])),
    };
    let envelope = weight(&event(room(0), 1, of(0)).event);
    of(WEIGHT - envelope)
}

fn publish(bus: &Bus, rooms: impl IntoIterator<Item = usize>, offset: u64, content: &NewEvent) {
    for number in rooms {
        bus.publish(&[event(room(number), offset, content.clone())]);
    }
}

/// Whether the bus has what follows an offset, and not only the log.
fn has_after(follower: &Attachment, offset: u64) -> bool {
    matches!(follower.take(at(offset), 9), Taken::Events(_))
}

#[test]
fn however_many_topics_are_followed_their_tails_keep_no_more_together() {
    let (bus, content) = (Bus::default(), content());
    let held = || bus.tails.budget.held();
    let mut followers: Vec<_> = (0..=FITTING).map(|number| bus.attach(&room(number))).collect();
    for offset in 1..=3 {
        publish(&bus, 0..=FITTING, offset, &content);
        assert!(held() <= TAILS_BYTES_MAX, "{offset}: {}", held());
    }
    assert_eq!(held(), TAILS_BYTES_MAX);
    let mut last = followers.pop().expect("a follower");
    assert_eq!(last.head(), 3, "it is told where the log stands");
    assert_eq!(last.take(at(3), 9), Taken::Nothing);
    assert_eq!(last.take(at(1), 9), Taken::Behind, "the log has it");
    drop((last, followers));
    assert_eq!((bus.topics(), held()), (0, 0));
}

#[test]
fn topics_in_which_nothing_happens_give_way_to_those_where_something_does() {
    let (bus, content) = (Bus::default(), content());
    let quiet: Vec<_> = (0..FITTING).map(|number| bus.attach(&room(number))).collect();
    let busy = bus.attach(&room(FITTING));
    for offset in 1..=2 {
        publish(&bus, 0..FITTING, offset, &content);
    }
    publish(&bus, [FITTING], 1, &content);
    assert!(has_after(&quiet[0], 0) && !has_after(&busy, 0), "there is no room");
    bus.relieve();
    publish(&bus, [FITTING], 2, &content);
    assert!(has_after(&busy, 1));
    assert!(has_after(&quiet[0], 1) && !has_after(&quiet[0], 0), "the newer half is left");
    bus.relieve();
    publish(&bus, [FITTING], 3, &content);
    assert!(has_after(&busy, 2) && !has_after(&quiet[0], 1));
    bus.relieve();
    assert!(has_after(&busy, 2), "there is room enough");
}
