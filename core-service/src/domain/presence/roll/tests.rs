//! Moments of a roll, as tables.

mod model;

use super::*;

fn session() -> Topic {
    Topic::new("acme", Kind::Session, "s").expect("a topic")
}

fn room() -> Topic {
    Topic::new("acme", Kind::Room, "r").expect("a topic")
}

fn at(millis: u64) -> Time {
    Time(1_000_000 + millis)
}

fn says(edge: &str, user: &str, connections: u32) -> Announcement {
    Announcement { edge_id: edge.into(), user_id: user.into(), connections }
}

fn hears(roll: &mut Roll, edge: &str, now: Time) {
    roll.hear(edge, 1, Some(Noted { number: 1, at: now }), now);
}

#[track_caller]
fn is_empty(roll: &Roll) {
    let is_empty = roll.topics.is_empty() && roll.places.is_empty() && roll.due.is_empty();
    assert!(is_empty && roll.entries == 0, "{roll:?}");
}

#[track_caller]
fn tells(roll: &mut Roll, now: Time, expected: &[Announcement]) {
    let due = roll.due(now);
    let told: Vec<_> = due.iter().flat_map(|(_, told)| told.clone()).collect();
    assert_eq!(told, expected);
    for (topic, told) in due {
        roll.told(&topic, told, &[], now);
    }
    assert!(roll.due(now).is_empty(), "told once");
}

fn with_alice() -> Roll {
    let mut roll = Roll::default();
    hears(&mut roll, "e1", at(0));
    roll.announce(&session(), says("e1", "alice", 1), at(0));
    tells(&mut roll, at(0), &[]);
    tells(&mut roll, at(20), &[says("e1", "alice", 1)]);
    roll
}

#[test]
fn who_comes_is_told_at_once_and_who_goes_after_the_grace() {
    let mut roll = with_alice();
    roll.announce(&session(), says("e1", "alice", 0), at(1000));
    tells(&mut roll, at(2999), &[]);
    tells(&mut roll, at(3000), &[says("e1", "alice", 0)]);
    is_empty(&roll);
}

#[test]
fn a_quick_reconnect_is_no_news() {
    let mut roll = with_alice();
    roll.announce(&session(), says("e1", "alice", 0), at(1000));
    roll.announce(&session(), says("e1", "alice", 1), at(2500));
    tells(&mut roll, at(9000), &[]);
    roll.announce(&session(), says("e1", "alice", 1), at(9000));
    tells(&mut roll, at(9900), &[]);
}

#[test]
fn news_are_not_put_off_by_being_said_again() {
    let mut roll = with_alice();
    for moment in [1000, 1500, 2000, 2500] {
        roll.announce(&session(), says("e1", "alice", 0), at(moment));
    }
    tells(&mut roll, at(3000), &[says("e1", "alice", 0)]);
}

#[test]
fn an_edge_that_falls_silent_takes_its_users_with_it() {
    let mut roll = with_alice();
    hears(&mut roll, "e2", at(0));
    roll.announce(&session(), says("e2", "bob", 1), at(0));
    tells(&mut roll, at(100), &[says("e2", "bob", 1)]);
    hears(&mut roll, "e2", at(10_000));
    tells(&mut roll, at(14_999), &[]);
    tells(&mut roll, at(15_000), &[says("e1", "alice", 0)]);
    assert!(roll.knows("e2") && !roll.knows("e1"), "it must announce everybody again");
    roll.announce(&session(), says("e1", "alice", 1), at(15_001));
    tells(&mut roll, at(15_021), &[says("e1", "alice", 1)]);
}

/// A roll to which an edge comes that another core had.
fn with_adopted(told: &[Announcement]) -> Roll {
    let mut roll = Roll::default();
    let told = told.iter().map(|one| (session(), one.clone())).collect();
    roll.adopt("e1", told, at(15_000));
    hears(&mut roll, "e1", at(0));
    roll
}

#[test]
fn an_edge_that_comes_from_another_core_has_a_lease_to_say_who_is_there() {
    let mut roll = with_adopted(&[says("e1", "alice", 2), says("e1", "bob", 1)]);
    roll.announce(&session(), says("e1", "alice", 2), at(1000));
    tells(&mut roll, at(14_000), &[]);
    hears(&mut roll, "e1", at(14_000));
    tells(&mut roll, at(15_000), &[says("e1", "bob", 0)]);
    assert_eq!(roll.next(), Some(at(29_000)), "the edge's own lease");
}

#[test]
fn an_edge_that_comes_back_is_taken_as_the_log_has_it() {
    let mut roll = with_alice();
    roll.announce(&session(), says("e1", "bob", 1), at(100));
    roll.adopt("e1", vec![(session(), says("e1", "cleo", 1))], at(15_100));
    assert!(!roll.knows("e1"));
    tells(&mut roll, at(15_000), &[]);
    tells(&mut roll, at(15_100), &[says("e1", "cleo", 0)]);
    is_empty(&roll);
}

#[test]
fn the_store_is_told_with_each_beat_that_an_edge_lives() {
    let mut roll = Roll::default();
    assert!(roll.is_to_be_noted("e1", at(0)), "a new one");
    hears(&mut roll, "e1", at(0));
    roll.hear("e1", 2, None, at(100));
    assert!(!roll.is_to_be_noted("e1", at(3999)));
    assert!(roll.is_to_be_noted("e1", at(4000)));
}

#[test]
fn an_edge_that_the_store_has_otherwise_than_it_was_left_is_not_vouched_for() {
    let mut roll = Roll::default();
    assert!(!roll.is_as_left("e1", None), "a new one");
    roll.hear("e1", 1, Some(Noted { number: 1, at: at(0) }), at(0));
    roll.hear("e1", 2, None, at(100));
    assert!(roll.is_as_left("e1", Some(1)));
    assert!(!roll.is_as_left("e1", None), "another core spoke for it");
    assert!(!roll.is_as_left("e1", Some(2)), "a word was noted and not taken in");
    assert!(roll.is_ahead_of("e1", 1) && !roll.is_ahead_of("e1", 2));
    assert_eq!(roll.since("e1"), Some(1));
    roll.adopt("e1", Vec::new(), at(15_000));
    roll.hear("e1", 3, None, at(200));
    assert_eq!(roll.since("e1"), Some(3));
}

#[test]
fn an_edge_of_which_another_core_speaks_is_not_known_any_more() {
    let mut roll = with_alice();
    hears(&mut roll, "e2", at(0));
    roll.announce(&session(), says("e1", "alice", 2), at(100));
    roll.announce(&session(), says("e2", "bob", 1), at(100));
    let due = roll.due(at(120));
    for (topic, told) in due {
        roll.told(&topic, told, &["e1".to_owned()], at(121));
    }
    assert!(!roll.knows("e1") && roll.knows("e2"));
    assert_eq!(roll.entries, 1, "bob");
    tells(&mut roll, at(10_000), &[]);
}

#[test]
fn an_edge_is_found_again_without_a_look_at_the_topics_where_it_is_not() {
    let mut roll = with_alice();
    let other = Topic::new("acme", Kind::Session, "other").expect("a topic");
    roll.announce(&other, says("e2", "bob", 1), at(0));
    assert_eq!(roll.places["e1"], BTreeSet::from([session()]));
    assert_eq!(roll.places["e2"], BTreeSet::from([other.clone()]));
    roll.leave("e1");
    assert_eq!(roll.topics.keys().collect::<Vec<_>>(), [&other]);
    roll.forget(&other);
    is_empty(&roll);
}

#[test]
fn a_crowd_is_told_in_pieces() {
    let mut roll = Roll::default();
    let crowd = TOLD_MAX + 1;
    for n in 0..crowd {
        roll.announce(&session(), says("e1", &format!("u{n}"), 1), at(0));
    }
    for piece in [TOLD_MAX, 1, 0] {
        let due = roll.due(at(20));
        assert_eq!(due.iter().map(|(_, told)| told.len()).sum::<usize>(), piece);
        for (topic, told) in due {
            roll.told(&topic, told, &[], at(20));
        }
    }
}

#[test]
fn what_changes_while_it_is_told_is_told_next() {
    let mut roll = Roll::default();
    hears(&mut roll, "e1", at(0));
    roll.announce(&session(), says("e1", "alice", 1), at(0));
    let due = roll.due(at(20));
    roll.announce(&session(), says("e1", "alice", 2), at(21));
    for (topic, told) in due {
        roll.told(&topic, told, &[], at(22));
    }
    tells(&mut roll, at(60), &[says("e1", "alice", 2)]);
    roll.announce(&session(), says("e1", "alice", 3), at(100));
    for (topic, told) in roll.due(at(120)) {
        roll.failed(&topic, told, at(120));
    }
    tells(&mut roll, at(1000), &[]);
    tells(&mut roll, at(1120), &[says("e1", "alice", 3)]);
    assert!(roll.next() > Some(at(1120)));
}
#[test]
fn a_room_is_told_of_once_in_a_while() {
    let mut roll = Roll::default();
    hears(&mut roll, "e1", at(0));
    roll.announce(&room(), says("e1", "alice", 1), at(0));
    tells(&mut roll, at(20), &[says("e1", "alice", 1)]);
    roll.announce(&room(), says("e1", "bob", 1), at(30));
    roll.announce(&room(), says("e1", "cleo", 1), at(900));
    tells(&mut roll, at(1019), &[]);
    assert_eq!(roll.next(), Some(at(1020)));
    tells(&mut roll, at(1020), &[says("e1", "bob", 1), says("e1", "cleo", 1)]);
}

#[test]
fn who_is_gone_before_being_told_leaves_nothing_behind() {
    let mut roll = Roll::default();
    roll.announce(&session(), says("e1", "alice", 0), at(0));
    roll.announce(&session(), says("e1", "alice", 1), at(0));
    roll.announce(&session(), says("e1", "alice", 0), at(10));
    tells(&mut roll, at(20), &[]);
    is_empty(&roll);
}

#[test]
fn who_goes_while_being_told_is_told_as_gone() {
    for is_known_to_be_told in [true, false] {
        let mut roll = Roll::default();
        hears(&mut roll, "e1", at(0));
        roll.announce(&session(), says("e1", "alice", 1), at(0));
        let due = roll.due(at(20));
        roll.announce(&session(), says("e1", "alice", 0), at(21));
        for (topic, told) in due {
            match is_known_to_be_told {
                true => roll.told(&topic, told, &[], at(22)),
                false => roll.failed(&topic, told, at(22)),
            }
        }
        tells(&mut roll, at(2021), &[says("e1", "alice", 0)]);
        is_empty(&roll);
    }
}

#[test]
fn what_was_on_its_way_while_an_edge_moved_to_and_fro_is_told_again() {
    let mut roll = with_alice();
    roll.announce(&session(), says("e1", "alice", 2), at(100));
    let due = roll.due(at(120));
    // The other core has told that alice was gone.
    roll.adopt("e1", Vec::new(), at(15_000));
    hears(&mut roll, "e1", at(130));
    roll.announce(&session(), says("e1", "alice", 2), at(130));
    for (topic, told) in due {
        roll.told(&topic, told, &[], at(140));
    }
    tells(&mut roll, at(150), &[says("e1", "alice", 2)]);
}

#[test]
fn who_was_on_the_way_when_an_edge_came_anew_has_a_lease_to_be_named() {
    for is_known_to_be_told in [true, false] {
        let mut roll = with_alice();
        roll.announce(&session(), says("e1", "bob", 1), at(100));
        let due = roll.due(at(120));
        roll.adopt("e1", Vec::new(), at(15_130));
        hears(&mut roll, "e1", at(130));
        for (topic, told) in due {
            match is_known_to_be_told {
                true => roll.told(&topic, told, &[], at(140)),
                false => roll.failed(&topic, told, at(140)),
            }
        }
        hears(&mut roll, "e1", at(14_000));
        tells(&mut roll, at(15_139), &[]);
        tells(&mut roll, at(15_140), &[says("e1", "bob", 0)]);
        is_empty(&roll);
    }
}

#[test]
fn who_was_on_the_way_when_an_edge_went_is_told_as_gone_at_once() {
    let mut roll = with_alice();
    roll.announce(&session(), says("e1", "bob", 1), at(100));
    let due = roll.due(at(120));
    roll.leave("e1");
    for (topic, told) in due {
        roll.told(&topic, told, &[], at(140));
    }
    tells(&mut roll, at(140), &[says("e1", "bob", 0)]);
    is_empty(&roll);
}

#[test]
fn who_changes_edges_is_told_of_in_one_commit() {
    let mut roll = with_alice();
    hears(&mut roll, "e2", at(900));
    roll.announce(&session(), says("e1", "alice", 0), at(1000));
    roll.announce(&session(), says("e2", "alice", 1), at(1500));
    tells(&mut roll, at(1520), &[says("e1", "alice", 0), says("e2", "alice", 1)]);
}
