//! `/rooms`: who is there.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use roomcast_proto::v1::GetRoomPresenceRequest;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{caller::Caller, openapi::Failures, problem::Problem};
use crate::{app::AppState, names::Participant};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(presence))
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
