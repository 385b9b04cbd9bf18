use super::*;

fn asking<'a>(user: &'a str, roles: &'a [String]) -> Asking<'a> {
    Asking { user, roles }
}

/// A room declared twice, the second time by these words.
fn declared(json: &str) -> Room {
    let mut rooms = Rooms::default();
    let first = Declaration { last: Some(true), ..Declaration::default() };
    let words = [first, serde_json::from_str(json).expect("a declaration")];
    for declaration in words {
        rooms.declare("r", declaration).expect("a room");
    }
    rooms.get("r").expect("declared").clone()
}

/// What Ana may do in a room, without a role and as an operator: read it, publish `alert`, publish `note`.
#[track_caller]
fn check(json: &str, plain: [bool; 3], operator: [bool; 3]) {
    let room = declared(json);
    for (roles, allowed) in [(vec![], plain), (vec!["operator".to_owned()], operator)] {
        let ana = asking("ana", &roles);
        let found =
            [room.may_read(ana), room.may_publish(ana, "alert"), room.may_publish(ana, "note")];
        assert_eq!(found, allowed, "with the roles {roles:?}");
    }
}

const NOTHING: [bool; 3] = [false; 3];
const READ: [bool; 3] = [true, false, false];
const ALL: [bool; 3] = [true; 3];

#[test]
fn a_room_without_words_is_read_by_everybody_and_written_by_nobody() {
    check("{}", READ, READ);
}

#[test]
fn a_declaration_says_who_reads_and_who_publishes_what() {
    check(r#"{"read": ["role:operator"]}"#, NOTHING, READ);
    check(r#"{"read": [], "publish": ["user:ana"]}"#, [false, true, true], [false, true, true]);
    check(r#"{"publish": "everyone"}"#, ALL, ALL);
    check(r#"{"publish": {"alert": "role:operator"}}"#, READ, [true, true, false]);
    check(r#"{"publish": {"alert": ["role:other", "user:bob"]}}"#, READ, READ);
}

#[test]
fn a_later_declaration_changes_only_what_it_names() {
    let room = declared(r#"{"merge": "last_value"}"#);
    assert_eq!((room.merge, room.tells_last, room.has_presence), (Merge::LastValue, true, false));
    assert!(!declared(r#"{"last": false}"#).tells_last);
}

#[test]
fn what_is_no_room_or_means_nobody_is_refused() {
    let declare = |name: &str| Rooms::default().declare(name, Declaration::default());
    assert_eq!(declare("a b"), Err(Error::Name("a b".into())));
    for wrong in [
        r#"{"read": "all"}"#,
        r#"{"read": ["role:"]}"#,
        r#"{"publish": {"a": ["admin"]}}"#,
        r#"{"merge": "newest"}"#,
        r#"{"reed": "everyone"}"#,
    ] {
        assert!(serde_json::from_str::<Declaration>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn there_are_ten_thousand_rooms_and_no_more() {
    let mut rooms = Rooms::default();
    for number in 0..ROOMS_MAX {
        assert_eq!(rooms.declare(&format!("r{number}"), Declaration::default()), Ok(()));
    }
    assert_eq!(rooms.declare("one-more", Declaration::default()), Err(Error::TooMany));
    assert_eq!(rooms.declare("r0", Declaration::default()), Ok(()), "a known one may change");
}
