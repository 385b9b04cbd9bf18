//! What a socket is shown when it comes in.

use super::{Connection, Held};
use crate::{
    feed::Guest,
    socket::{
        emit::Gone,
        subscriptions::Topics,
        view::{self, View},
    },
};

impl Connection {
    /// Shows the rooms that the user may read. Those that the client was in by a cursor are no others.
    pub(super) async fn show(
        &self,
        held: &mut Held,
        mut view: View,
        topics: &mut Topics,
    ) -> Result<(), Gone> {
        for topic in view::topics() {
            held.subscriptions.adopt(&topic);
            if let Some(cursor) = topics.remove(&topic).flatten() {
                view.cursors.insert(topic, cursor);
            }
        }
        self.enter_view(held, view).await
    }

    /// Enters what the core let the user read; where it has not answered yet, when it does.
    pub(super) async fn enter_view(&self, held: &mut Held, mut view: View) -> Result<(), Gone> {
        let Some(readable) = view.readable.take() else {
            held.awaited = Some(Box::new(view));
            return Ok(());
        };
        let mut is_any_lost = false;
        for (topic, hold) in view.holds {
            if !readable.rooms.iter().any(|room| view::is_of(&topic, room)) {
                // A client that recovers was in it perhaps, and must not come back to it for ever.
                is_any_lost |= !held.subscriptions.has(&topic) && self.outlet.leave(&topic);
                continue;
            }
            let caller = self.identity.caller(self.trace);
            let since = view.cursors.remove(&topic);
            let (asked_at, until) = (readable.asked_at, readable.until);
            let guest = Guest { caller, hold, topic, since, asked_at, until };
            held.subscriptions.show(self.state.feeds.clone(), guest);
        }
        if is_any_lost { self.outlet.tell_offset().await } else { Ok(()) }
    }
}
