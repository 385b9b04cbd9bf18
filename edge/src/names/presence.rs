//! Who is in a room, in the room's own log: `presence`.

use roomcast_proto::v1::SessionEvent;
use serde::Serialize;

use super::{Body, SessionFact};

/// The name, which is the type in the log.
const NAME: &str = "presence";

#[derive(Debug, Serialize)]
struct Object<'a> {
    room: &'a str,
    #[serde(flatten)]
    fact: Option<SessionFact<'a>>,
}

/// The body of a fact in the log of this room.
pub(super) fn body(room: &str, fact: &SessionEvent) -> Body {
    let object = Object { room, fact: SessionFact::of(fact) };
    Body::plain(NAME.to_owned(), serde_json::to_string(&object).unwrap_or_else(|_| "{}".to_owned()))
}

#[cfg(test)]
mod tests {
    use roomcast_proto::v1::{Participant, PresenceCounted, session_event::Kind};

    use super::*;

    #[test]
    fn a_rooms_presence_tells_all_and_names_the_room() {
        let user = Participant { user_id: "ana".to_owned(), since: None, connections: 2 };
        let counted = PresenceCounted { participants: 1, listed: true, users: vec![user] };
        let body = body("metrics", &SessionEvent { kind: Some(Kind::Counted(counted)) });
        assert_eq!((&*body.name, body.short), ("presence", None));
        assert_eq!(
            body.object,
            r#"{"room":"metrics","participants":1,"listed":true,"users":[{"user_id":"ana","since":null,"connections":2}]}"#
        );
    }
}
