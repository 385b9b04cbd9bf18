//! Who may call what. A request without a row here is no [`Call`], and lets nobody in.

use roomcast_proto::v1;

use super::thing;
use crate::auth::{Call, On, Over, Row, Who};
use crate::domain::project::Role;

/// `Call(its request): who, over which tenant, on what`; `of` names the fields of the request that say
/// which tenant and which thing.
macro_rules! table {
    ($($service:ident {
        $($call:ident($request:ident): $who:ident, $over:ident $(of $tenant:ident)?,
            $on:ident $(of $id:ident)? $(as $role:ident)?;)*
    })*) => {
        /// The rows, by service.
        pub const TABLE: &[Row] = &[$($(v1::$request::ROW,)*)*];

        $($(impl Call for v1::$request {
            const ROW: Row = Row {
                service: stringify!($service),
                call: stringify!($call),
                who: Who::$who,
                over: Over::$over,
                on: On::$on $((Role::$role))?,
            };
            type Thing = thing::$on;

            $(fn tenant(&self) -> &str {
                &self.$tenant
            })?

            $(fn id(&self) -> &str {
                &self.$id
            })?
        })*)*
    };
}

table! {
    JobService {
        CreateJob(CreateJobRequest): CLIENT, Named of tenant, Place;
        SendMessage(SendMessageRequest): CLIENT, Found, Place;
        StartTestRun(StartTestRunRequest): ANYBODY, Found, Project of project_id as Editor;
        GetJob(GetJobRequest): ANYBODY, Found, Job of job_id as Viewer;
        ListJobs(ListJobsRequest): CLIENT, Named of tenant, Own;
        CancelJob(CancelJobRequest): ANYBODY, Found, Job of job_id as Editor;
        RetryJob(RetryJobRequest): ANYBODY, Found, Job of job_id as Editor;
        ReadJobOutput(ReadJobOutputRequest): ANYBODY, Found, Job of job_id as Viewer;
        WatchJob(WatchJobRequest): ANYBODY, Found, Job of job_id as Viewer;
        Work(WorkRequest): WORKER, Workplace, Lease;
        LeaseJobs(LeaseJobsRequest): WORKER, Workplace of tenant, Lease;
        RenewLeases(RenewLeasesRequest): WORKER, Workplace, Lease;
        ReportJob(ReportJobRequest): WORKER, Workplace, Lease;
    }
    SessionService {
        CreateProject(CreateProjectRequest): AUTHOR, Named of tenant, Nothing;
        GetProject(GetProjectRequest): ANYBODY, Found, Project of project_id as Viewer;
        ListProjects(ListProjectsRequest): AUTHOR, Named of tenant, Own;
        DeleteProject(DeleteProjectRequest): ANYBODY, Found, Project of project_id as Owner;
        SetMember(SetMemberRequest): ANYBODY, Found, Member of project_id;
        RemoveMember(RemoveMemberRequest): ANYBODY, Found, Member of project_id;
        ListMembers(ListMembersRequest): ANYBODY, Found, Project of project_id as Viewer;
        CreateSession(CreateSessionRequest): ANYBODY, Found, Project of project_id as Editor;
        GetSession(GetSessionRequest): ANYBODY, Found, Session of session_id as Viewer;
        ListSessions(ListSessionsRequest): ANYBODY, Found, Project of project_id as Viewer;
        CloseSession(CloseSessionRequest): ANYBODY, Found, Session of session_id as Owner;
        ExecuteCommand(ExecuteCommandRequest): ANYBODY, Found, Joined of session_id as Editor;
        UndoCommand(UndoCommandRequest): ANYBODY, Found, Joined of session_id as Editor;
        RedoCommand(RedoCommandRequest): ANYBODY, Found, Joined of session_id as Editor;
        GetGraph(GetGraphRequest): ANYBODY, Found, Session of session_id as Viewer;
        SaveGraph(SaveGraphRequest): ANYBODY, Found, Joined of session_id as Editor;
        LoadGraph(LoadGraphRequest): ANYBODY, Found, Joined of session_id as Editor;
        ListSaves(ListSavesRequest): ANYBODY, Found, Session of session_id as Viewer;
        AnnouncePresence(AnnouncePresenceRequest): EDGE, All, Nothing;
        ListConnections(ListConnectionsRequest): OBSERVER, Named of tenant, Nothing;
        ListParticipants(ListParticipantsRequest): ANYBODY, Found, Session of session_id as Viewer;
        WatchSession(WatchSessionRequest): ANYBODY, Found, Joined of session_id as Viewer;
    }
    BroadcastService {
        Join(JoinRequest): ANYBODY, Named of tenant, Topic of topic;
        Publish(PublishRequest): ANYBODY, Named of tenant, Outlet of topic;
        PublishBatch(PublishBatchRequest): ANYBODY, Named of tenant, Outlet of topic;
        ListEvents(ListEventsRequest): ANYBODY, Named of tenant, Log of topic;
        GetTopic(GetTopicRequest): ANYBODY, Named of tenant, Topic of topic;
        ListTopics(ListTopicsRequest): OBSERVER, Named of tenant, Nothing;
        ListRooms(ListRoomsRequest): OBSERVER, Own, Nothing;
        GetRoomPresence(GetRoomPresenceRequest): ANYBODY, Named of tenant, Room of room;
        WatchTopic(WatchTopicRequest): ANYBODY, Named of tenant, Topic of topic;
        Subscribe(SubscribeRequest): EDGE, All, Nothing;
    }
    AccessService {
        Revoke(RevokeRequest): WARDEN, Named of tenant, Nothing;
        ListRevocations(ListRevocationsRequest): OBSERVER, Named of tenant, Nothing;
        LiftRevocation(LiftRevocationRequest): WARDEN, Named of tenant, Nothing;
        RecheckGrants(RecheckGrantsRequest): WARDEN, Named of tenant, Nothing;
        CheckAccess(CheckAccessRequest): ANYBODY, Own, Own;
        WatchAccess(WatchAccessRequest): EDGE, All, Nothing;
        IssueTicket(IssueTicketRequest): USER, Own, Nothing;
        SpendTicket(SpendTicketRequest): EDGE, All, Nothing;
        ExplainAccess(ExplainAccessRequest): OBSERVER, Named of tenant, Nothing;
        ListActs(ListActsRequest): OBSERVER, Named of tenant, Nothing;
        RecordDisconnect(RecordDisconnectRequest): WARDEN, Named of tenant, Nothing;
    }
    UserService {
        PutUser(PutUserRequest): WARDEN, Named of tenant, Nothing;
        GetUser(GetUserRequest): OBSERVER, Named of tenant, Nothing;
        ListUsers(ListUsersRequest): OBSERVER, Named of tenant, Nothing;
        DisableUser(DisableUserRequest): WARDEN, Named of tenant, Nothing;
        EnableUser(EnableUserRequest): WARDEN, Named of tenant, Nothing;
        DeleteUser(DeleteUserRequest): WARDEN, Named of tenant, Nothing;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    use super::*;

    #[test]
    fn every_call_of_the_contract_has_its_row_and_no_other_has_one() {
        let set = FileDescriptorSet::decode(roomcast_proto::FILE_DESCRIPTOR_SET).unwrap();
        let ours = set.file.into_iter().filter(|file| file.package() == "roomcast.v1");
        let contract: BTreeSet<_> = ours
            .flat_map(|file| file.service)
            .flat_map(|service| {
                let name = service.name().to_owned();
                service.method.into_iter().map(move |call| {
                    (name.clone(), call.name().to_owned(), call.input_type().to_owned())
                })
            })
            .collect();
        let row = |row: &Row| {
            let request = format!(".roomcast.v1.{}Request", row.call);
            (row.service.to_owned(), row.call.to_owned(), request)
        };
        assert_eq!(TABLE.iter().map(row).collect::<BTreeSet<_>>(), contract);
        assert_eq!(TABLE.len(), contract.len(), "a call has one row");
    }
}
