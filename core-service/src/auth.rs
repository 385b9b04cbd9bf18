//! Who calls, what they may do, and how often. The core is the guard: an edge or worker is trusted with
//! what its service credential names, and a user's own token decides what that user sees.

mod access;
mod call;
mod caller;
mod rate;
mod row;

use std::net::IpAddr;
use std::sync::Arc;

use roomcast_identity::{Scope, Service, ServiceKeys, User, UserKeys};
use roomcast_proto::registry::Code;
use roomcast_runtime::bucket::Rate;
use roomcast_runtime::trace::TraceContext;
use tokio::time::Instant;
use tonic::metadata::MetadataMap;
use tonic::{Request, Status};
use tonic_types::ErrorDetails;

pub use access::Access;
pub(crate) use call::{Admitted, Ask, Call, Thing};
pub use caller::{Caller, Principal};
pub use rate::{Quota, SERVICE_SHARES};
pub use row::{On, Over, Row, Users, Who};

use crate::domain::access::Admission;
use crate::domain::cursor::Cursor;
use crate::domain::limits;
use crate::domain::name::fingerprint;
use crate::domain::room::Rooms;
use crate::domain::time::Time;
use crate::domain::topic::Topic;
use crate::domain::trace::TraceId;
use crate::listener::Peer;
use crate::log::Log;

/// Metadata key of the caller's service token.
pub const SERVICE_TOKEN: &str = "x-roomcast-service";
/// Metadata key of the cursor up to which an edge has heard of changed rights: a call with it is decided
/// by no older knowledge, whichever core it reaches.
pub const HEARD: &str = "x-roomcast-heard";
/// Metadata key of the address of an edge's own client, for the log of what operators do.
pub const CLIENT: &str = "x-roomcast-client";

/// The keys and rules of the core's door.
#[derive(Debug, Clone)]
pub struct Door {
    users: UserKeys,
    services: ServiceKeys,
    access: Access,
    clock: fn() -> Time,
    is_dev: bool,
    rooms: Arc<Rooms>,
    /// Nothing when calls are not limited.
    quota: Option<Arc<Quota>>,
}

/// The keys of the door.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Of users' tokens.
    pub users: UserKeys,
    /// Of services' tokens.
    pub services: ServiceKeys,
}

/// The rules of the door.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Whether a caller without credentials is the developer of the machine.
    pub is_dev: bool,
    /// The declared rooms, of every tenant.
    pub rooms: Rooms,
    /// How often a user may call, if that is limited.
    pub requests: Option<Rate>,
}

impl Door {
    /// The door of a core. In `dev` a caller without credentials is the user `dev`.
    #[must_use]
    pub fn new(keys: Keys, access: Access, clock: fn() -> Time, rules: Rules) -> Door {
        let Keys { users, services } = keys;
        let Rules { is_dev, rooms, requests } = rules;
        let quota = requests.map(|rate| Arc::new(Quota::new(rate)));
        Door { users, services, access, clock, is_dev, rooms: Arc::new(rooms), quota }
    }

    /// Who may come in.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Names the rules of the configuration: the same for cores that are configured alike.
    #[must_use]
    pub fn rules(&self) -> String {
        let rooms = format!("{:?}", self.rooms);
        let admission: &[u8] = match self.access.admission() {
            Admission::Any => b"any",
            Admission::Registered => b"registered",
        };
        format!("{:016x}", fingerprint(&[rooms.as_bytes(), admission]))
    }

    /// The declared rooms.
    #[must_use]
    pub fn rooms(&self) -> &Arc<Rooms> {
        &self.rooms
    }

    /// Whether this is a core for development.
    #[must_use]
    pub fn is_dev(&self) -> bool {
        self.is_dev
    }

    /// Lets a call in that its row allows, with what it is about.
    ///
    /// # Errors
    /// `service_credential_required`, `unauthenticated`, `token_invalid`, `token_expired`,
    /// `token_revoked`, `user_disabled`, `user_unknown` or `rate_limited`; `permission_denied` for whom the
    /// call is not; whatever the thing is not found with.
    pub(crate) async fn admit<T: Call>(
        &self,
        log: &Log,
        request: Request<T>,
    ) -> Result<Admitted<T>, Status> {
        let caller = self.principal(&request).await.inspect_err(|refusal| {
            let code = Code::of(refusal).as_str();
            metrics::counter!("roomcast_refusals_total", "code" => code).increment(1);
        })?;
        let Row { who, on, .. } = T::ROW;
        who.require(&caller)?;
        let request = request.into_inner();
        let named = request.tenant();
        let tenant = tenant(caller.tenant(named))?;
        let ask = Ask { door: self, log, caller: &caller, tenant: &tenant, named, on };
        let thing = T::Thing::find(ask, request.id()).await?;
        Ok(Admitted { caller, tenant, request, thing })
    }

    async fn principal<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        let service = self.service(request)?;
        let from = self.origin(request, service.as_ref());
        let principal = match bearer(request.metadata())? {
            Some(token) => Principal::User(self.user(token, heard(request.metadata())).await?),
            None => match service {
                Some(service) if !service.scopes.iter().all(|scope| *scope == Scope::Edge) => {
                    Principal::Service(service)
                }
                // Whoever calls without a user's token in `dev` is the machine's own developer.
                Some(_) | None if self.is_dev => Principal::Service(developer()),
                Some(service) => Principal::Service(service),
                None => return Err(Code::Unauthenticated.status("a user's token is missing")),
            },
        };
        if let Some(quota) = &self.quota {
            quota.take(&principal, Instant::now())?;
        }
        let trace = trace_of(request.metadata());
        Ok(Caller { principal, trace, rooms: Arc::clone(&self.rooms), from })
    }

    /// Where a call comes from. Only an edge is believed what it says of its client.
    fn origin<T>(&self, request: &Request<T>, service: Option<&Service>) -> Option<IpAddr> {
        let is_edge = service.map_or(self.is_dev, |service| service.scopes.contains(&Scope::Edge));
        let told = request.metadata().get(CLIENT).filter(|_| is_edge);
        let told = told.and_then(|address| address.to_str().ok()?.parse().ok());
        told.or_else(|| Some(request.extensions().get::<Peer>()?.address.ip()))
    }

    /// Somebody about whose rights is asked, without a call of their own.
    #[must_use]
    pub fn imagine(&self, user: User) -> Caller {
        let principal = Principal::User(user);
        Caller { principal, trace: None, rooms: Arc::clone(&self.rooms), from: None }
    }

    async fn user(&self, token: &str, heard: u64) -> Result<User, Status> {
        let user = self.users.verify(token).await;
        let user = user.map_err(|error| error.code().status(error.to_string()))?;
        self.access.admit(&user, heard, (self.clock)()).await?;
        Ok(user)
    }

    /// The caller's service credential: required but in `dev`.
    fn service<T>(&self, request: &Request<T>) -> Result<Option<Service>, Status> {
        if let Some(token) = request.metadata().get(SERVICE_TOKEN) {
            let token = token.to_str().unwrap_or_default();
            let service = self.services.verify(token);
            return service.map(Some).map_err(|error| {
                // An edge must know this from a refusal of its user's token, which it passes on.
                let mut details = ErrorDetails::new();
                details.set_resource_info(SERVICE_TOKEN, "", "", "the credential that is refused");
                error.code().status_with(format!("service token: {error}"), details)
            });
        }
        // The TLS layer has verified the certificate against the configured authority.
        if request.extensions().get::<Peer>().is_some_and(|peer| peer.is_certified) {
            let scopes = vec![Scope::Edge, Scope::Worker, Scope::Service];
            return Ok(Some(Service { name: "certificate".into(), scopes }));
        }
        if self.is_dev {
            return Ok(None);
        }
        let message = "show a service token in x-roomcast-service, or a client certificate";
        Err(Code::ServiceCredentialRequired.status(message))
    }
}

/// A tenant that a caller names: as opaque as the claim is.
fn tenant(named: &str) -> Result<String, Status> {
    let problem = match named {
        named if named.contains('\0') => "must not hold a NUL character".to_owned(),
        named if named.len() > limits::SUBJECT_BYTES_MAX => {
            format!("has {} bytes; at most {}", named.len(), limits::SUBJECT_BYTES_MAX)
        }
        named => return Ok(named.to_owned()),
    };
    let mut details = ErrorDetails::new();
    details.add_bad_request_violation("tenant", &problem);
    Err(Code::InvalidArgument.status_with(format!("tenant: {problem}"), details))
}

fn developer() -> Service {
    Service { name: User::dev().id, scopes: vec![Scope::Admin] }
}

/// The user's token that a call carries.
///
/// # Errors
/// `token_invalid` when the header is of another scheme.
pub(crate) fn bearer(metadata: &MetadataMap) -> Result<Option<&str>, Status> {
    let Some(value) = metadata.get("authorization") else { return Ok(None) };
    let token = value.to_str().ok().and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    match token {
        Some(token) => Ok(Some(token)),
        None => Err(Code::TokenInvalid.status("authorization must be: Bearer <token>")),
    }
}

/// The offset up to which the caller has heard of changed rights.
fn heard(metadata: &MetadataMap) -> u64 {
    let cursor = metadata.get(HEARD).and_then(|value| value.to_str().ok());
    let cursor = cursor.and_then(|token| Cursor::parse(token, &Topic::access()).ok());
    cursor.map_or(0, |cursor| cursor.offset)
}

fn trace_of(metadata: &MetadataMap) -> Option<TraceId> {
    let traceparent = metadata.get("traceparent")?.to_str().ok()?;
    Some(TraceContext::parse(traceparent)?.trace_id)
}
