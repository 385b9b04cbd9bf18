//! Following what operators did.

use super::{Connection, Held, Outcome};
use crate::socket::command::Audit;

const TOPIC: &str = "audit:log";

impl Connection {
    pub(super) async fn audit(&self, held: &mut Held, audit: Audit, ack: Option<i64>) -> Outcome {
        match audit {
            Audit::Join { since } => self.enter(held, TOPIC, since.as_deref(), ack).await,
            Audit::Leave => Ok(self.leave(held, TOPIC, ack).await?),
        }
    }
}
