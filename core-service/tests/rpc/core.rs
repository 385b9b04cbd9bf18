//! A core in this process, and callers with all kinds of credentials.

use std::path::Path;
use std::time::Duration;

use roomcast_core::Config;
use roomcast_core::observer::Observers;
use roomcast_identity::{Scope, Secret, ServiceKeys, User, mint_user};
use roomcast_proto::registry::Code;
use roomcast_proto::v1;
use roomcast_proto::v1::access_service_client::AccessServiceClient;
use roomcast_proto::v1::broadcast_service_client::BroadcastServiceClient;
use roomcast_proto::v1::job_service_client::JobServiceClient;
use roomcast_proto::v1::session_service_client::SessionServiceClient;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

pub(crate) const USERS: &str = "users-secret-users-secret-users-secret";
pub(crate) const SERVICES: &str = "services-secret-services-secret-12345";
pub(crate) const TTL: Duration = Duration::from_secs(60);

/// A core of this process, with its folder.
pub(crate) struct Core {
    pub(crate) url: String,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

impl Drop for Core {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(crate) async fn serve(adapt: impl FnOnce(&mut Config, &Path)) -> Core {
    serve_observed(adapt, Observers::default()).await
}

pub(crate) async fn serve_observed(
    adapt: impl FnOnce(&mut Config, &Path),
    observers: Observers,
) -> Core {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = Config::development(folder.path().join("data"));
    config.dev = false;
    config.jwt_secret = vec![secret(USERS)];
    config.service_secret = vec![secret(SERVICES)];
    adapt(&mut config, folder.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let scheme = if config.core_tls_cert.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://localhost:{}", listener.local_addr().expect("an address").port());
    let stop = CancellationToken::new();
    tokio::spawn(roomcast_core::serve_observed(config, listener, stop.clone(), observers));
    Core { url, stop, _folder: folder }
}

pub(crate) fn secret(text: &str) -> Secret {
    Secret::new(text).expect("long enough")
}

pub(crate) fn service(scopes: &[Scope]) -> String {
    let keys = ServiceKeys::new(vec![secret(SERVICES)]).expect("keys");
    keys.mint("tester", scopes, TTL).expect("a token")
}

pub(crate) fn user(id: &str, tenant: &str) -> String {
    user_with(id, tenant, Vec::new())
}

pub(crate) fn user_with(id: &str, tenant: &str, roles: Vec<String>) -> String {
    let user = User { id: id.into(), tenant: tenant.into(), roles, ..User::dev() };
    mint_user(&secret(USERS), &user, TTL).expect("a token")
}

/// A request with these credentials.
pub(crate) fn request<T>(message: T, service: Option<&str>, user: Option<&str>) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(token) = service {
        let token = token.parse().expect("ascii");
        request.metadata_mut().insert("x-roomcast-service", token);
    }
    if let Some(token) = user {
        let token = format!("Bearer {token}").parse().expect("ascii");
        request.metadata_mut().insert("authorization", token);
    }
    request
}

impl Core {
    pub(crate) fn channel(&self) -> Channel {
        Endpoint::from_shared(self.url.clone()).expect("a url").connect_lazy()
    }

    pub(crate) fn jobs(&self) -> JobServiceClient<Channel> {
        JobServiceClient::new(self.channel())
    }

    pub(crate) fn sessions(&self) -> SessionServiceClient<Channel> {
        SessionServiceClient::new(self.channel())
    }

    pub(crate) fn access(&self) -> AccessServiceClient<Channel> {
        AccessServiceClient::new(self.channel())
    }

    pub(crate) fn broadcast(&self) -> BroadcastServiceClient<Channel> {
        BroadcastServiceClient::new(self.channel())
    }
}

pub(crate) fn report(kind: &str) -> v1::CreateJobRequest {
    v1::CreateJobRequest { kind: kind.into(), ..v1::CreateJobRequest::default() }
}

#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(outcome: Result<T, Status>) -> Code {
    Code::of(&outcome.expect_err("refused"))
}
