//! The core's own door, through tonic.

use std::time::Duration;

use roomcast_identity::Scope;
use roomcast_proto::registry::Code;
use roomcast_proto::v1::access_service_client::AccessServiceClient;
use roomcast_proto::v1::broadcast_service_client::BroadcastServiceClient;
use roomcast_proto::v1::job_service_client::JobServiceClient;
use roomcast_proto::v1::session_service_client::SessionServiceClient;
use roomcast_proto::v1::user_service_client::UserServiceClient;
use tonic::metadata::AsciiMetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use super::credential::{Token, service};

/// Large enough to be refused by the core and not by the client.
const MESSAGE_BYTES_MAX: usize = 64 << 20;

pub(crate) type Jobs = JobServiceClient<InterceptedService<Channel, Caller>>;
pub(crate) type Access = AccessServiceClient<InterceptedService<Channel, Caller>>;
pub(crate) type Users = UserServiceClient<InterceptedService<Channel, Caller>>;
pub(crate) type Sessions = SessionServiceClient<InterceptedService<Channel, Caller>>;
pub(crate) type Broadcast = BroadcastServiceClient<InterceptedService<Channel, Caller>>;

/// Who calls: a service, a user through a service, or nobody.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    service: Option<AsciiMetadataValue>,
    user: Option<AsciiMetadataValue>,
    traceparent: Option<AsciiMetadataValue>,
}

impl Caller {
    pub(crate) fn nobody() -> Caller {
        Caller::default()
    }

    pub(crate) fn service(scopes: &[Scope]) -> Caller {
        Caller { service: Some(ascii(&service(scopes))), ..Caller::default() }
    }

    /// A user whose token comes along with an edge's credential.
    pub(crate) fn user(token: &Token) -> Caller {
        let user = Some(ascii(&format!("Bearer {token}")));
        Caller { user, ..Caller::service(&[Scope::Edge]) }
    }

    pub(crate) fn traced(self, traceparent: &str) -> Caller {
        Caller { traceparent: Some(ascii(traceparent)), ..self }
    }

    pub(crate) fn jobs(self, channel: Channel) -> Jobs {
        JobServiceClient::with_interceptor(channel, self)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX)
    }

    pub(crate) fn access(self, channel: Channel) -> Access {
        AccessServiceClient::with_interceptor(channel, self)
    }

    pub(crate) fn users(self, channel: Channel) -> Users {
        UserServiceClient::with_interceptor(channel, self)
    }

    pub(crate) fn sessions(self, channel: Channel) -> Sessions {
        SessionServiceClient::with_interceptor(channel, self)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX)
    }

    pub(crate) fn broadcast(self, channel: Channel) -> Broadcast {
        BroadcastServiceClient::with_interceptor(channel, self)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX)
    }
}

impl Interceptor for Caller {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let metadata = request.metadata_mut();
        let entries = [
            ("x-roomcast-service", &self.service),
            ("authorization", &self.user),
            ("traceparent", &self.traceparent),
        ];
        for (key, value) in entries {
            if let Some(value) = value {
                metadata.insert(key, value.clone());
            }
        }
        Ok(request)
    }
}

fn ascii(value: &str) -> AsciiMetadataValue {
    value.parse().expect("a header's value")
}

/// A channel that connects when it is first used and again when it has broken.
pub(crate) fn channel(url: &str) -> Channel {
    Endpoint::from_shared(url.to_owned())
        .expect("a URL")
        .connect_timeout(Duration::from_secs(2))
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(5))
        .connect_lazy()
}

/// The registry's code in an error, which must say it itself.
pub(crate) fn code(status: &Status) -> &'static str {
    use tonic_types::StatusExt as _;
    let info = status.get_details_error_info();
    let reason = info.unwrap_or_else(|| panic!("no ErrorInfo in {status:?}")).reason;
    let code = Code::parse(&reason).unwrap_or_else(|| panic!("{reason} is not in the registry"));
    assert_eq!(status.code(), code.entry().grpc, "{reason} has another gRPC status");
    code.as_str()
}
