//! Who is in a room.

use super::*;
use crate::service::presence::is_told;

impl Broadcast {
    pub(super) async fn presence(
        &self,
        topic: &Topic,
    ) -> Result<v1::GetRoomPresenceResponse, Status> {
        if !self.tells_presence(topic) {
            let problem = "is not told who is in it: declare it with presence";
            return Err(wire::check::invalid("room", problem));
        }
        let (cursor, presence) =
            self.log.store().presence(topic).await.map_err(status)?.unwrap_or_default();
        Ok(v1::GetRoomPresenceResponse {
            participants: wire::session::participants(&presence),
            participant_count: u32::try_from(presence.count()).unwrap_or(u32::MAX),
            cursor: cursor.token(topic),
        })
    }

    /// Whether it is told who is in a topic.
    pub(super) fn tells_presence(&self, topic: &Topic) -> bool {
        is_told(topic, self.door.rooms())
    }
}
