//! `SessionService`: its shape stands, its work does not yet. Every call says so.

use std::pin::Pin;

use roomcast_proto::registry::Code;
use roomcast_proto::v1::{self, session_service_server::SessionService};
use tokio_stream::Stream;
use tonic::{Request, Response, Status};

/// Projects and sessions.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sessions;

fn not_built<T>() -> Result<Response<T>, Status> {
    Err(Code::NotBuilt.status("projects and sessions are not built yet"))
}

type WatchStream = Pin<Box<dyn Stream<Item = Result<v1::WatchSessionResponse, Status>> + Send>>;

macro_rules! not_built {
    ($($rpc:ident: $request:ident -> $response:ident),* $(,)?) => {
        #[tonic::async_trait]
        impl SessionService for Sessions {
            type WatchSessionStream = WatchStream;

            async fn watch_session(
                &self,
                _: Request<v1::WatchSessionRequest>,
            ) -> Result<Response<WatchStream>, Status> {
                not_built()
            }

            $(async fn $rpc(
                &self,
                _: Request<v1::$request>,
            ) -> Result<Response<v1::$response>, Status> {
                not_built()
            })*
        }
    };
}

not_built! {
    create_project: CreateProjectRequest -> CreateProjectResponse,
    get_project: GetProjectRequest -> GetProjectResponse,
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
    save_graph: SaveGraphRequest -> SaveGraphResponse,
    load_graph: LoadGraphRequest -> LoadGraphResponse,
    announce_presence: AnnouncePresenceRequest -> AnnouncePresenceResponse,
    list_participants: ListParticipantsRequest -> ListParticipantsResponse,
}
