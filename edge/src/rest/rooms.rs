//! `/rooms`: which are declared, and who is there.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use roomcast_proto::v1::{DeclaredRoom, GetRoomPresenceRequest, ListRoomsRequest};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    caller::Caller,
    openapi::Failures,
    page_query::{PageQuery, next_page},
    path::Path,
};
use crate::{names::Participant, problem::Problem, state::AppState};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(presence))
}

/// Declared rooms, in the order of names.
#[derive(Debug, Serialize, ToSchema)]
struct RoomPage<'a> {
    rooms: Vec<Room<'a>>,
    /// `page_token` of the next page; null on the last one.
    next_page_token: Option<&'a str>,
}

/// A room as it is declared. Operators read every room and publish to it; they are not named here.
#[derive(Debug, Serialize, ToSchema)]
struct Room<'a> {
    room: &'a str,
    /// Who reads it: `everyone`, `role:NAME`, `user:ID`.
    #[schema(example = json!(["role:ops"]))]
    read: &'a [String],
    /// Who publishes any type of event to it.
    publish: &'a [String],
    /// Who publishes one type of event to it.
    publish_types: BTreeMap<&'a str, &'a [String]>,
    merge: Merge,
    /// Whether it is told who is in it.
    presence: bool,
    /// Whether who joins is told the last value of each type.
    last: bool,
}

/// How events are kept.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Merge {
    /// Every one.
    None,
    /// Of each type only the newest counts.
    LastValue,
}

impl<'a> Room<'a> {
    fn of(declared: &'a DeclaredRoom) -> Self {
        let (any, typed): (Vec<_>, Vec<_>) =
            declared.publishers.iter().partition(|one| one.r#type.is_empty());
        let typed = typed.into_iter().map(|one| (one.r#type.as_str(), &one.publishers[..]));
        Self {
            room: &declared.room,
            read: &declared.readers,
            publish: any.first().map_or(&[], |one| &one.publishers),
            publish_types: typed.collect(),
            merge: if declared.merges_last_value { Merge::LastValue } else { Merge::None },
            presence: declared.tells_presence,
            last: declared.tells_last,
        }
    }
}

/// Who is in a room.
#[derive(Debug, Serialize, ToSchema)]
struct RoomPresence<'a> {
    room: &'a str,
    /// By user. Empty above 200: only their number is told then.
    participants: Vec<Participant<'a>>,
    participant_count: u32,
    /// The head of the room's topic that this stands at.
    cursor: &'a str,
}

/// List declared rooms
///
/// With the rights to them. Needs the role admin or auditor.
#[utoipa::path(
    get, path = "/rooms", tag = "topics",
    params(PageQuery),
    responses((status = 200, body = RoomPage), Failures)
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    page: PageQuery,
) -> Result<Response, Problem> {
    let request = ListRoomsRequest { page_size: page.limit, page_token: page.page_token };
    let request = caller.upstream.request(request);
    let answer = state.upstream.broadcast().list_rooms(request).await?.into_inner();
    let page = RoomPage {
        rooms: answer.rooms.iter().map(Room::of).collect(),
        next_page_token: next_page(&answer.next_page_token),
    };
    Ok(Json(page).into_response())
}

/// List who is in a room
///
/// Of a room that is declared with `presence`. What changes is told by its `presence` events.
#[utoipa::path(
    get, path = "/rooms/{room}/presence", tag = "topics",
    params(("room" = String, Path, description = "The room's name, such as `metrics`")),
    responses((status = 200, body = RoomPresence), Failures)
)]
async fn presence(
    State(state): State<AppState>,
    caller: Caller,
    Path(room): Path<String>,
) -> Result<Response, Problem> {
    let request = GetRoomPresenceRequest { room: room.clone(), tenant: String::new() };
    let request = caller.upstream.request(request);
    let answer = state.upstream.broadcast().get_room_presence(request).await?.into_inner();
    let presence = RoomPresence {
        room: &room,
        participants: answer.participants.iter().map(Participant::of).collect(),
        participant_count: answer.participant_count,
        cursor: &answer.cursor,
    };
    Ok(Json(presence).into_response())
}
