//! Which topics the bus holds, whoever lets go of them last.

use super::*;

fn topic() -> Topic {
    Topic::new("acme", crate::domain::topic::Kind::Job, "a").expect("a topic")
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
