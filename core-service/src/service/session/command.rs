//! Commands, undo and redo.

use super::*;
use crate::domain::event::{Body, Event as StoredEvent};
use crate::domain::graph::{Order, Wish};
use crate::domain::session::{Event, Progress, Status as Step};
use crate::error::graph_code;
use crate::service::wire::command as wire_command;

/// The events of one commit of a session.
pub(super) struct Receipt(pub(super) Vec<Arc<StoredEvent>>);

/// What a command, an undo or a redo came to.
struct Performed {
    command_id: String,
    version: u64,
    changes: Vec<v1::SessionEvent>,
    cursor: String,
}

impl Receipt {
    /// The session's own events.
    fn facts(&self) -> impl Iterator<Item = &Event> {
        self.0.iter().filter_map(|event| match &event.body {
            Body::Session(fact) => Some(&**fact),
            Body::Payload(_) | Body::Job(_) | Body::Summary(_) => None,
        })
    }

    /// The head of the topic after them.
    pub(super) fn cursor(&self) -> String {
        self.0.last().map(|last| last.cursor.token(&last.topic)).unwrap_or_default()
    }

    /// The save that was made or loaded.
    pub(super) fn kept(&self) -> Option<&crate::domain::session::Kept> {
        self.facts().find_map(|fact| match fact {
            Event::Kept(kept) => Some(kept),
            Event::Changed { .. } | Event::Command(_) | Event::Presence(_) => None,
            Event::Closed { .. } => None,
        })
    }

    /// What came of an order: an error if the graph refused it.
    fn performed(&self) -> Result<Performed, Status> {
        let (mut changes, mut end) = (Vec::new(), None);
        for fact in self.facts() {
            match fact {
                Event::Changed { .. } => changes.push(wire_session::event(fact)),
                Event::Command(progress) => end = Some(progress),
                Event::Presence(_) | Event::Kept(_) | Event::Closed { .. } => {}
            }
        }
        let Some(Progress { command_id, version, status, .. }) = end else {
            return Err(roomcast_proto::registry::Code::Internal.status("a command has no end"));
        };
        if let Step::Failed(refusal) = status {
            return Err(graph_code(refusal).status(refusal.to_string()));
        }
        let (command_id, version) = (command_id.clone(), *version);
        Ok(Performed { command_id, version, changes, cursor: self.cursor() })
    }
}

impl Sessions {
    pub(super) async fn execute_command(
        &self,
        call: Admitted<v1::ExecuteCommandRequest>,
    ) -> Result<v1::ExecuteCommandResponse, Status> {
        let Admitted { caller, request, thing: found, .. } = call;
        let key = &request.idempotency_key;
        let tenant = &found.session.tenant;
        let idempotency = idempotency(&caller, tenant, "execute_command", key, &request)?;
        let command = wire_command::command(request.command, new_id)?;
        let wish = Wish::Execute { command_id: new_id(), command };
        let order = Order { wish, expected_version: request.expected_version };
        let graph = wire_command::graph(request.graph)?;
        let Performed { command_id, version, changes, cursor } =
            self.perform(&caller, request.session_id, (graph, order), idempotency).await?;
        Ok(v1::ExecuteCommandResponse { command_id, version, changes, cursor })
    }

    pub(super) async fn undo_command(
        &self,
        call: Admitted<v1::UndoCommandRequest>,
    ) -> Result<v1::UndoCommandResponse, Status> {
        let Admitted { caller, request, thing: found, .. } = call;
        let (tenant, key) = (&found.session.tenant, &request.idempotency_key);
        let idempotency = idempotency(&caller, tenant, "undo_command", key, &request)?;
        let order = Order { wish: Wish::Undo, expected_version: request.expected_version };
        let graph = wire_command::graph(request.graph)?;
        let Performed { command_id, version, changes, cursor } =
            self.perform(&caller, request.session_id, (graph, order), idempotency).await?;
        Ok(v1::UndoCommandResponse { command_id, version, changes, cursor })
    }

    pub(super) async fn redo_command(
        &self,
        call: Admitted<v1::RedoCommandRequest>,
    ) -> Result<v1::RedoCommandResponse, Status> {
        let Admitted { caller, request, thing: found, .. } = call;
        let (tenant, key) = (&found.session.tenant, &request.idempotency_key);
        let idempotency = idempotency(&caller, tenant, "redo_command", key, &request)?;
        let order = Order { wish: Wish::Redo, expected_version: request.expected_version };
        let graph = wire_command::graph(request.graph)?;
        let Performed { command_id, version, changes, cursor } =
            self.perform(&caller, request.session_id, (graph, order), idempotency).await?;
        Ok(v1::RedoCommandResponse { command_id, version, changes, cursor })
    }

    async fn perform(
        &self,
        caller: &Caller,
        session_id: String,
        (graph, order): (String, Order),
        idempotency: Option<Idempotency>,
    ) -> Result<Performed, Status> {
        let by = caller.name().to_owned();
        let command = SessionCommand::Perform { graph, by, order };
        self.change(caller, session_id, command, idempotency).await?.performed()
    }
}
