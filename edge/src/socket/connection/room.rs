//! Following rooms.

use super::{Connection, Held, Outcome};
use crate::socket::command::Room;

impl Connection {
    pub(super) async fn room(&self, held: &mut Held, room: Room, ack: Option<i64>) -> Outcome {
        match room {
            Room::Join { room, since } => {
                self.enter(held, &format!("room:{room}"), since.as_deref(), ack).await
            }
            Room::Leave { room } => Ok(self.leave(held, &format!("room:{room}"), ack).await?),
        }
    }
}
