//! Projects and sessions, as a client meets them.

mod delete;
mod graph;
mod presence;
mod rights;

use std::time::Duration;

use roomcast_identity::Scope;
use roomcast_proto::v1;
use roomcast_proto::v1::session_service_client::SessionServiceClient;
use tonic::transport::Channel;
use tonic::{Request, Status, Streaming};

use crate::core::{Core, request, service, user, user_with};

/// Longest wait for what comes over a stream.
const PATIENCE: Duration = Duration::from_secs(30);

/// A user of the tenant `acme`, calling through an edge.
pub(crate) struct User<'core> {
    core: &'core Core,
    token: String,
}

impl User<'_> {
    pub(crate) fn ask<T>(&self, message: T) -> Request<T> {
        request(message, Some(&service(&[Scope::Edge])), Some(&self.token))
    }

    pub(crate) fn sessions(&self) -> SessionServiceClient<Channel> {
        self.core.sessions()
    }

    pub(crate) async fn project(&self) -> String {
        let wanted = v1::CreateProjectRequest { name: "a project".into(), ..Default::default() };
        let made = self.sessions().create_project(self.ask(wanted)).await.expect("made");
        made.into_inner().project.expect("a project").project_id
    }

    pub(crate) async fn session(&self, project_id: &str) -> String {
        let project_id = project_id.to_owned();
        let wanted = v1::CreateSessionRequest { project_id, ..Default::default() };
        let made = self.sessions().create_session(self.ask(wanted)).await.expect("made");
        made.into_inner().session.expect("a session").session_id
    }

    pub(crate) async fn set_role(
        &self,
        project_id: &str,
        user_id: &str,
        role: v1::Role,
    ) -> Result<(), Status> {
        let member = Some(v1::Member { user_id: user_id.into(), role: role.into() });
        let wanted = v1::SetMemberRequest { project_id: project_id.into(), member };
        self.sessions().set_member(self.ask(wanted)).await.map(|_| ())
    }

    pub(crate) async fn execute(
        &self,
        session_id: &str,
        kind: v1::command::Kind,
    ) -> Result<v1::ExecuteCommandResponse, Status> {
        let wanted = v1::ExecuteCommandRequest {
            session_id: session_id.into(),
            command: Some(v1::Command { kind: Some(kind) }),
            ..Default::default()
        };
        Ok(self.sessions().execute_command(self.ask(wanted)).await?.into_inner())
    }

    pub(crate) async fn watch(
        &self,
        session_id: &str,
    ) -> Result<Streaming<v1::WatchSessionResponse>, Status> {
        let wanted =
            v1::WatchSessionRequest { session_id: session_id.into(), ..Default::default() };
        Ok(self.sessions().watch_session(self.ask(wanted)).await?.into_inner())
    }
}

pub(crate) fn someone<'core>(core: &'core Core, id: &str, tenant: &str) -> User<'core> {
    User { core, token: user(id, tenant) }
}

pub(crate) fn admin<'core>(core: &'core Core, id: &str, tenant: &str) -> User<'core> {
    User { core, token: user_with(id, tenant, vec!["admin".to_owned()]) }
}

pub(crate) fn create_node(node_id: &str, parent_id: &str) -> v1::command::Kind {
    let (node_id, parent_id) = (node_id.to_owned(), parent_id.to_owned());
    let node = v1::Node { node_id, parent_id, node_type: "box".into(), ..Default::default() };
    v1::command::Kind::CreateNode(v1::CreateNode { node: Some(node) })
}

pub(crate) fn set_property(node_id: &str, key: &str, value: &str) -> v1::command::Kind {
    let (node_id, key, value) = (node_id.to_owned(), key.to_owned(), value.to_owned());
    v1::command::Kind::SetProperty(v1::SetProperty { node_id, key, value })
}

/// The next frame that is news: no heartbeat, no `caught_up`.
pub(crate) async fn next(
    frames: &mut Streaming<v1::WatchSessionResponse>,
) -> v1::watch_session_response::Frame {
    use v1::watch_session_response::Frame;
    loop {
        let frame = tokio::time::timeout(PATIENCE, frames.message()).await.expect("in time");
        match frame.expect("a frame").expect("no end").frame.expect("says something") {
            Frame::CaughtUp(_) | Frame::Heartbeat(_) => {}
            frame @ (Frame::Snapshot(_) | Frame::Event(_) | Frame::Reset(_) | Frame::Closed(_)) => {
                return frame;
            }
        }
    }
}

pub(crate) async fn next_event(frames: &mut Streaming<v1::WatchSessionResponse>) -> v1::Event {
    let frame = next(frames).await;
    let v1::watch_session_response::Frame::Event(event) = frame else { panic!("{frame:?}") };
    event
}

pub(crate) async fn snapshot(
    frames: &mut Streaming<v1::WatchSessionResponse>,
) -> v1::SessionSnapshot {
    let frame = next(frames).await;
    let v1::watch_session_response::Frame::Snapshot(found) = frame else { panic!("{frame:?}") };
    found
}
