//! `SessionService`: projects, their members, and the sessions in them.
//!
//! A request finds the project or session with the caller's role in it ([`membership`]), becomes a
//! command, and is committed. What the graph refuses is committed as well, as an event, and answered
//! as an error.

mod command;
mod copy;
mod presence;
mod project;
mod watch;

use std::pin::Pin;
use std::sync::Arc;

use roomcast_proto::v1::{self, session_service_server::SessionService};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::job::idempotency;
use super::membership;
use super::presence::Attendance;
use super::wire::check::invalid;
use super::wire::{self, frame, session as wire_session};
use crate::auth::{Admitted, Caller, Door};
use crate::domain::limits;
use crate::domain::project::Role;
use crate::domain::session::Command as SessionCommand;
use crate::domain::topic::{Kind, Topic};
use crate::error::status;
use crate::log::{Log, now};
use crate::store::commit::{Action, Command, Idempotency};
use crate::store::session::{self, Outcome, Outline};

/// Projects and sessions, for those who make, edit and watch them.
#[derive(Debug, Clone)]
pub struct Sessions {
    log: Log,
    door: Arc<Door>,
    attendance: Attendance,
    drain: CancellationToken,
}

impl Sessions {
    /// The service over a log. Streams end when `drain` is cancelled.
    #[must_use]
    pub fn new(
        log: Log,
        door: Arc<Door>,
        attendance: Attendance,
        drain: CancellationToken,
    ) -> Sessions {
        Sessions { log, door, attendance, drain }
    }

    async fn commit(
        &self,
        caller: &Caller,
        action: session::Action,
        idempotency: Option<Idempotency>,
    ) -> Result<Outcome, Status> {
        let command =
            Command { action: Action::Session(Box::new(action)), idempotency, trace: caller.trace };
        let (outcome, _) = self.log.commit_session(command).await.map_err(status)?;
        Ok(outcome)
    }

    /// Commits a command of a session; answers the events it made.
    async fn change(
        &self,
        caller: &Caller,
        session_id: String,
        command: SessionCommand,
        idempotency: Option<Idempotency>,
    ) -> Result<command::Receipt, Status> {
        let action = session::Action::Command { session_id, command };
        match self.commit(caller, action, idempotency).await? {
            Outcome::Events(events) => Ok(command::Receipt(events)),
            Outcome::Project(_)
            | Outcome::Session(_)
            | Outcome::Announced { .. }
            | Outcome::Attended(_)
            | Outcome::Done => Ok(command::Receipt(Vec::new())),
        }
    }
}

fn new_id() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

type WatchStream = Pin<Box<dyn Stream<Item = Result<v1::WatchSessionResponse, Status>> + Send>>;

macro_rules! calls {
    ($($rpc:ident: $request:ident -> $response:ident),* $(,)?) => {
        #[tonic::async_trait]
        impl SessionService for Sessions {
            type WatchSessionStream = WatchStream;

            async fn watch_session(
                &self,
                request: Request<v1::WatchSessionRequest>,
            ) -> Result<Response<WatchStream>, Status> {
                let call = self.door.admit(&self.log, request).await?;
                self.watch(call).await.map(Response::new)
            }

            $(async fn $rpc(
                &self,
                request: Request<v1::$request>,
            ) -> Result<Response<v1::$response>, Status> {
                let call = self.door.admit(&self.log, request).await?;
                self.$rpc(call).await.map(Response::new)
            })*
        }
    };
}

// Each stands with its like in a file beside this one.
calls! {
    create_project: CreateProjectRequest -> CreateProjectResponse,
    get_project: GetProjectRequest -> GetProjectResponse,
    delete_project: DeleteProjectRequest -> DeleteProjectResponse,
    list_projects: ListProjectsRequest -> ListProjectsResponse,
    set_member: SetMemberRequest -> SetMemberResponse,
    remove_member: RemoveMemberRequest -> RemoveMemberResponse,
    list_members: ListMembersRequest -> ListMembersResponse,
    create_session: CreateSessionRequest -> CreateSessionResponse,
    get_session: GetSessionRequest -> GetSessionResponse,
    list_sessions: ListSessionsRequest -> ListSessionsResponse,
    close_session: CloseSessionRequest -> CloseSessionResponse,
    execute_command: ExecuteCommandRequest -> ExecuteCommandResponse,
    undo_command: UndoCommandRequest -> UndoCommandResponse,
    redo_command: RedoCommandRequest -> RedoCommandResponse,
    get_graph: GetGraphRequest -> GetGraphResponse,
    save_graph: SaveGraphRequest -> SaveGraphResponse,
    load_graph: LoadGraphRequest -> LoadGraphResponse,
    list_saves: ListSavesRequest -> ListSavesResponse,
    announce_presence: AnnouncePresenceRequest -> AnnouncePresenceResponse,
    list_participants: ListParticipantsRequest -> ListParticipantsResponse,
    list_connections: ListConnectionsRequest -> ListConnectionsResponse,
}
