//! How long a user may stay: the token's time, a right that was lost, an operator's word.

use std::time::{Duration, UNIX_EPOCH};

use super::{Connection, Held, Outcome, Refusal};
use crate::{
    auth::{Notice, Refused},
    lane::KillReason,
    names::rfc3339,
    socket::{
        command::Token,
        emit::Gone,
        payload::{Authenticated, TokenExpiring},
        view::View,
    },
};

use roomcast_proto::{dashboard, registry::Code};

impl Connection {
    /// Acts on news of the user's standing. Fails when the socket has come to its end.
    pub(super) async fn heed(&self, held: &mut Held, notice: Notice) -> Result<(), Gone> {
        match notice {
            Notice::Expiring(at) => {
                let expiring = TokenExpiring { expires_at: moment(at) };
                self.outlet.tell("token_expiring", &expiring).await
            }
            Notice::Expired => self.expel(&Refused::of(Code::TokenExpired)).await,
            Notice::Doubtful => {
                let rooms: &[&str] = if held.awaited.is_some() { &dashboard::VIEWED } else { &[] };
                match held.standing.check(rooms, self.trace.child()).await {
                    Ok(readable) => match held.awaited.take() {
                        Some(view) => self.enter_view(held, View { readable, ..*view }).await,
                        None => Ok(()),
                    },
                    Err(refused) => self.expel(&refused).await,
                }
            }
        }
    }

    /// Goes on under a fresh token of the same user.
    pub(super) async fn authenticate(
        &self,
        held: &mut Held,
        token: &Token,
        ack: Option<i64>,
    ) -> Outcome {
        let identity = self.state.auth.identify(Some(&token.0)).await;
        let identity = identity.map_err(|error| Refusal::new(error.code(), error.to_string()))?;
        let renewed = held.standing.renew(identity.session(), self.trace.child()).await;
        let expires_at =
            renewed.map_err(|Refused { code, message }| Refusal::new(code, message))?;
        if let Some(ack) = ack {
            let answer = Authenticated { ok: true, expires_at: expires_at.map(moment) };
            self.outlet.acknowledge(ack, &answer).await?;
        }
        Ok(())
    }

    /// Says why, and ends the connection.
    async fn expel(&self, refused: &Refused) -> Result<(), Gone> {
        let Refused { code, message } = refused;
        metrics::counter!("roomcast_edge_refusals_total", "code" => code.as_str()).increment(1);
        Refusal::new(*code, message).tell(&self.outlet, None).await?;
        self.close(code.as_str(), KillReason::Refused).await
    }
}

/// A moment in Unix seconds, as RFC 3339.
fn moment(seconds: u64) -> String {
    let at = UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
    at.map(|at| rfc3339(&at.into())).unwrap_or_default()
}
