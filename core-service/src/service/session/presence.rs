//! Who is in sessions, by what edges announce.

use super::*;
use crate::domain::presence::Announcement;
use crate::service::presence::is_told;
use crate::service::wire::check;

/// Announcements of one call.
const ANNOUNCED_MAX: usize = 1000;

impl Sessions {
    pub(super) async fn announce_presence(
        &self,
        caller: &Caller,
        request: v1::AnnouncePresenceRequest,
    ) -> Result<v1::AnnouncePresenceResponse, Status> {
        caller.require_edge()?;
        let v1::AnnouncePresenceRequest { edge_id, presences } = request;
        let edge_id = check::name("edge_id", edge_id)?;
        if presences.len() > ANNOUNCED_MAX {
            return Err(invalid("presences", "has at most 1000 users"));
        }
        let announced = presences.into_iter().filter_map(|one| {
            let v1::Presence { topic, tenant, user_id, connections } = one;
            let topic = Topic::parse(caller.tenant(&tenant), &topic).ok()?;
            // Who leaves a room that no longer asks for it must not stay for ever.
            let is_of_use = connections == 0 || is_told(&topic, self.door.rooms());
            (is_of_use && Topic::user("", &user_id).is_ok())
                .then(|| (topic, Announcement { edge_id: edge_id.clone(), user_id, connections }))
        });
        Ok(v1::AnnouncePresenceResponse {
            known: self.attendance.announce(&edge_id, announced),
            lease: Some(wire::duration(limits::PRESENCE_LEASE)),
            beat_interval: Some(wire::duration(limits::PRESENCE_BEAT)),
        })
    }

    pub(super) async fn list_participants(
        &self,
        caller: &Caller,
        request: v1::ListParticipantsRequest,
    ) -> Result<v1::ListParticipantsResponse, Status> {
        let id = &request.session_id;
        let found = membership::session(&self.log, caller, id, Role::Viewer).await?;
        let topic = watch::topic(&found)?;
        let (cursor, presence) =
            self.log.store().presence(&topic).await.map_err(status)?.unwrap_or_default();
        Ok(v1::ListParticipantsResponse {
            participants: wire_session::participants(&presence),
            participant_count: u32::try_from(presence.count()).unwrap_or(u32::MAX),
            cursor: cursor.token(&topic),
        })
    }
}
