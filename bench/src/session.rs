//! A session of a measurement's own, in a project of its own.

use roomcast_proto::v1;
use roomcast_proto::v1::session_service_client::SessionServiceClient;
use tonic::transport::Channel;

#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) calls: SessionServiceClient<Channel>,
    pub(crate) id: String,
}

impl Session {
    pub(crate) async fn open(mut calls: SessionServiceClient<Channel>) -> anyhow::Result<Session> {
        let wanted = v1::CreateProjectRequest { name: "bench".into(), ..Default::default() };
        let project = calls.create_project(wanted).await?.into_inner().project;
        let project_id = project.unwrap_or_default().project_id;
        let wanted = v1::CreateSessionRequest { project_id, ..Default::default() };
        let made = calls.create_session(wanted).await?.into_inner().session;
        Ok(Session { calls, id: made.unwrap_or_default().session_id })
    }

    pub(crate) async fn execute(&self, kind: v1::command::Kind) -> anyhow::Result<()> {
        let wanted = v1::ExecuteCommandRequest {
            session_id: self.id.clone(),
            command: Some(v1::Command { kind: Some(kind) }),
            ..Default::default()
        };
        self.calls.clone().execute_command(wanted).await?;
        Ok(())
    }
}
