//! What a socket is shown when it comes in.

use super::{Connection, Held};
use crate::{
    feed::Guest,
    socket::{
        handshake::Topics,
        view::{self, View},
    },
};

impl Connection {
    /// Shows the rooms that the user may read. Those that the client was in by a cursor are no others.
    pub(super) fn show(&self, held: &mut Held, mut view: View, topics: &mut Topics) {
        for topic in view::topics() {
            held.subscriptions.adopt(&topic);
            if let Some(cursor) = topics.remove(&topic).flatten() {
                view.cursors.insert(topic, cursor);
            }
        }
        self.enter_view(held, view);
    }

    /// Enters what the core let the user read; where it has not answered yet, when it does.
    pub(super) fn enter_view(&self, held: &mut Held, mut view: View) {
        let Some(rooms) = view.answer.rooms.take() else {
            held.awaited = Some(Box::new(view));
            return;
        };
        for (topic, hold) in view.holds {
            if !rooms.iter().any(|room| view::is_of(&topic, room)) {
                continue;
            }
            let caller = self.identity.caller(self.trace);
            let since = view.cursors.remove(&topic);
            let guest = Guest { caller, hold, topic, since, until: view.answer.rooms_until };
            held.subscriptions.show(self.state.feeds.clone(), guest);
        }
    }
}
