use roomcast_identity::User as Claims;

use super::*;

fn session(tenant: &str, id: &str, token_id: &str) -> Arc<Session> {
    let token_id = Some(token_id.to_owned());
    let (tenant, id) = (tenant.to_owned(), id.to_owned());
    Arc::new(Session::of_token(&Claims { tenant, id, token_id, ..Claims::dev() }, "a token"))
}

fn change(tenant: &str, subject: &str, token_id: &str, topic: &str) -> AccessChanged {
    AccessChanged {
        cursor: String::new(),
        tenant: tenant.to_owned(),
        subject: subject.to_owned(),
        token_id: token_id.to_owned(),
        topic: topic.to_owned(),
        connection_id: String::new(),
    }
}

/// The rights of three sessions: `(tenant/user/token, topic)`, as they are named in the rows below.
const HELD: [(&str, &str, &str, Option<&str>); 5] = [
    ("acme", "ana", "t1", None),
    ("acme", "ana", "t1", Some("room:a")),
    ("acme", "ana", "t2", Some("room:a")),
    ("acme", "bob", "t3", Some("room:a")),
    ("other", "ana", "t1", Some("room:b")),
];

#[track_caller]
fn check(change: &AccessChanged, expected: [bool; 5]) {
    let rights = Rights::default();
    let holds =
        HELD.map(|(tenant, id, token, topic)| rights.hold(&session(tenant, id, token), topic));
    let count = expected.iter().filter(|touched| **touched).count();
    assert_eq!(rights.touch(change), count);
    assert_eq!(holds.map(|hold| hold.is_touched()), expected, "{change:?}");
}

#[test]
fn a_change_touches_exactly_the_rights_that_it_names() {
    check(&change("acme", "ana", "", ""), [true, true, true, false, false]);
    check(&change("acme", "", "t1", ""), [true, true, false, false, false]);
    check(&change("acme", "ana", "t2", ""), [false, false, true, false, false]);
    check(&change("acme", "", "", "room:a"), [false, true, true, true, false]);
    check(&change("acme", "bob", "", "room:a"), [false, false, false, true, false]);
    check(&change("acme", "eve", "", ""), [false; 5]);
    check(&change("acme", "", "", ""), [true, true, true, true, false]);
    check(&change("other", "", "t1", ""), [false, false, false, false, true]);
}

#[tokio::test]
async fn a_touch_lasts_until_it_is_settled_and_one_that_comes_meanwhile_counts() {
    let rights = Rights::default();
    let mut hold = rights.hold(&session("acme", "ana", "t1"), None);
    rights.touch_all();
    hold.touched().await;
    hold.touched().await;
    let asked = hold.touches();
    rights.touch_all();
    hold.settle(asked);
    assert!(hold.is_touched(), "touched after the core was asked");
    hold.settle(hold.touches());
    assert!(!hold.is_touched());
}

#[test]
fn a_fresh_token_takes_the_place_of_the_old_one_for_everything_of_its_session_alone() {
    let rights = Rights::default();
    let (mine, others) = (session("acme", "ana", "t1"), session("acme", "ana", "t1"));
    let (hold, other) = (rights.hold(&mine, Some("room:a")), rights.hold(&others, Some("room:a")));
    rights.replace_token(&mine, &session("acme", "ana", "t9"));
    assert_eq!((hold.is_touched(), other.is_touched()), (true, false));
    assert_eq!(rights.touch(&change("acme", "", "t9", "")), 1);
    assert_eq!(rights.touch(&change("acme", "", "t1", "")), 1, "the other connection's");
}

#[test]
fn the_core_counts_as_heard_for_a_while_and_not_before_it_was() {
    let (rights, now) = (Rights::default(), Instant::now());
    assert!(!rights.is_heard_at(now));
    rights.hear(now);
    assert!(rights.is_heard_at(now + HEARD_FOR - Duration::from_millis(2)));
    assert!(!rights.is_heard_at(now + HEARD_FOR));
}

#[test]
fn nothing_is_left_of_rights_that_are_held_no_more() {
    let rights = Rights::default();
    let holds =
        HELD.map(|(tenant, id, token, topic)| rights.hold(&session(tenant, id, token), topic));
    drop(holds);
    assert!(rights.holders().by_user.is_empty());
}

#[tokio::test]
async fn whoever_waits_for_several_rights_is_woken_by_each() {
    let rights = Rights::default();
    let session = session("acme", "ana", "t1");
    let wake = Arc::new(Notify::new());
    let holds = ["room:a", "room:b"].map(|room| rights.hold(&session, Some(room)));
    holds.iter().for_each(|hold| hold.wakes(Arc::clone(&wake)));
    for (touched, room) in ["room:a", "room:b"].into_iter().enumerate() {
        rights.touch(&change("acme", "", "", room));
        wake.notified().await;
        assert!(holds[touched].is_touched(), "{room}");
    }
}
