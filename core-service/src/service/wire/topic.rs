//! Topics and declared rooms, as lists show them.

use roomcast_proto::v1;
use tonic::Status;

use super::check::{self, invalid};
use super::{duration, timestamp};
use crate::domain::limits;
use crate::domain::retention::Retentions;
use crate::domain::room::{Merge, Publishers, Room};
use crate::domain::topic::Kind;
use crate::store::TopicLine;

/// The kinds that a list shows, in its order.
const LISTED: [Kind; 6] =
    [Kind::Job, Kind::Session, Kind::Project, Kind::Room, Kind::User, Kind::Audit];

/// The kinds that a request names, from the one of a place on.
pub(in crate::service) fn kinds(named: &str, from: Option<Kind>) -> Result<Vec<Kind>, Status> {
    let all = match named {
        "" => LISTED.to_vec(),
        name => {
            let problem = "is job, session, project, room, user or audit";
            vec![Kind::parse(name).ok_or_else(|| invalid("kind", problem))?]
        }
    };
    Ok(all.into_iter().skip_while(|kind| from.is_some_and(|from| *kind != from)).collect())
}

/// What names begin with.
pub(in crate::service) fn prefix(prefix: String) -> Result<String, Status> {
    if prefix.is_empty() {
        return Ok(prefix);
    }
    check::name("prefix", prefix)
}

pub(in crate::service) fn summary(line: &TopicLine, retentions: &Retentions) -> v1::TopicSummary {
    let TopicLine { topic, head, floor, bytes, oldest } = line;
    let retention = retentions.of(topic.kind());
    v1::TopicSummary {
        topic: topic.full().to_owned(),
        head: head.token(topic),
        head_offset: head.offset,
        first_offset: floor + 1,
        bytes: *bytes,
        retention: Some(duration(retention.age)),
        retention_events: retention.events.unwrap_or(0),
        retention_bytes: retention.bytes.unwrap_or(0),
        oldest_time: oldest.map(timestamp),
    }
}

pub(in crate::service) fn room(name: &str, room: &Room) -> v1::DeclaredRoom {
    let publishers = match &room.publishers {
        Publishers::OfAnything(audience) => vec![(String::new(), audience)],
        Publishers::ByType(types) => {
            types.iter().map(|(kind, audience)| (kind.clone(), audience)).collect()
        }
    };
    let publishers = publishers
        .into_iter()
        .map(|(kind, audience)| v1::RoomPublishers { r#type: kind, publishers: audience.words() });
    v1::DeclaredRoom {
        room: name.to_owned(),
        readers: room.readers.words(),
        publishers: publishers.filter(|one| !one.publishers.is_empty()).collect(),
        merges_last_value: room.merge == Merge::LastValue,
        tells_presence: room.has_presence,
        tells_last: room.tells_last,
    }
}

/// Roles that a question names.
pub(in crate::service) fn roles(roles: Vec<String>) -> Result<Vec<String>, Status> {
    if roles.len() > limits::LABELS_MAX {
        return Err(invalid("roles", "at most 32"));
    }
    roles.into_iter().map(|role| check::text("roles", role, limits::LABEL_BYTES_MAX)).collect()
}
