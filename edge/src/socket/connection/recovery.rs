//! What a client that recovers goes on with.

use super::{Connection, Held};
use crate::{
    config::Switch,
    feed,
    lane::Greeting,
    socket::{
        emit::Gone,
        recover::{Claim, Recovery},
        subscriptions::Topics,
    },
};

impl Connection {
    /// Joins again what the client says it was in, and has the greeting answer it. Without lanes nothing
    /// could complete the CONNECT reply of a WebSocket, and it is not offered.
    pub(in crate::socket) async fn recover(
        &self,
        claim: &Claim,
        greeting: &Greeting,
    ) -> Option<Recovery> {
        if self.state.config.lane == Switch::Off {
            return None;
        }
        self.outlet.begin_recovery();
        let recovery = Recovery::attempt(claim, &self.identity.user, async |topic, since| {
            self.join(&topic, since.as_deref()).await
        })
        .await;
        for (_, feed::Joined { response, .. }) in &recovery.joined {
            self.outlet.place(&response.topic, response.resumed.then_some(&response.cursor));
        }
        // The offsets that come before these are joined must not forget them.
        for (topic, cursor) in &recovery.undecided {
            self.outlet.place(topic, cursor.as_deref());
        }
        greeting.add(self.outlet.namespace(), recovery.pid.clone());
        // A socket recovers once.
        let _ = self.pid.set(recovery.pid.clone());
        Some(recovery)
    }

    /// Answers what is still to be joined.
    pub(super) async fn go_on(&self, held: &mut Held, recovery: Recovery) -> Result<Topics, Gone> {
        let mut undecided = recovery.undecided;
        for (since, joined) in recovery.joined {
            // Those before it may have taken long to be told, and rights have changed meanwhile.
            if joined.reader.is_doubtful() {
                undecided.insert(joined.response.topic.clone(), since);
            } else {
                self.begin(held, joined, None, "").await?;
            }
        }
        for refusal in recovery.refused {
            refusal.tell(&self.outlet, None).await?;
        }
        Ok(undecided)
    }
}
