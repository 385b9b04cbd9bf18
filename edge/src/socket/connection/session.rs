//! Following sessions, and commands for their graphs. What a command does comes as events to all who
//! follow the session, its sender included; the acknowledgement says that it is durable.

use roomcast_proto::registry::Code;
use tokio::time::Instant;
use tonic::{Response, Status};

use super::{Connection, Held, Outcome};
use crate::{
    names::Performed,
    socket::{command::Session, payload::Answered, refusal::Refusal},
};

impl Connection {
    pub(super) async fn session(
        &self,
        held: &mut Held,
        session: Session,
        ack: Option<i64>,
    ) -> Outcome {
        let caller = self.identity.caller(self.trace.child());
        let mut sessions = self.state.upstream.sessions();
        match session {
            Session::Join { session_id, since } => {
                self.enter(held, &format!("session:{session_id}"), since.as_deref(), ack).await
            }
            Session::Leave { session_id } => {
                Ok(self.leave(held, &format!("session:{session_id}"), ack).await?)
            }
            Session::Execute(request) => {
                self.may_command()?;
                let request = caller.repeatable(request, |one| &one.idempotency_key);
                let done = self.done_by_core(sessions.execute_command(request));
                self.performed(Performed::from(&done.await?), ack).await
            }
            Session::Undo(request) => {
                self.may_command()?;
                let request = caller.repeatable(request, |one| &one.idempotency_key);
                let done = self.done_by_core(sessions.undo_command(request));
                self.performed(Performed::from(&done.await?), ack).await
            }
            Session::Redo(request) => {
                self.may_command()?;
                let request = caller.repeatable(request, |one| &one.idempotency_key);
                let done = self.done_by_core(sessions.redo_command(request));
                self.performed(Performed::from(&done.await?), ack).await
            }
        }
    }

    /// What a graph refuses is logged for everybody, so whoever has that happen too often is held back
    /// before.
    fn may_command(&self) -> Result<(), Refusal> {
        self.allowance.may_command(Instant::now()).map_err(|wait| {
            let message = "too many commands of this socket were refused by a graph";
            Refusal::new(Code::RateLimited, message).retry_after(wait)
        })
    }

    async fn done_by_core<T>(
        &self,
        call: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<T, Refusal> {
        let answer = call.await.map_err(|status| {
            if !Code::of(&status).entry().retryable {
                self.allowance.charge_command(Instant::now());
            }
            Refusal::from(&status)
        });
        answer.map(Response::into_inner)
    }

    async fn performed(&self, performed: Performed<'_>, ack: Option<i64>) -> Outcome {
        if let Some(ack) = ack {
            self.outlet.acknowledge(ack, &Answered { ok: true, answer: performed }).await?;
        }
        Ok(())
    }
}
