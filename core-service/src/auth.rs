//! Who calls, what they may do, and how often. The core is the guard: an edge or worker is trusted with
//! what its service credential names, and a user's own token decides what that user sees.

mod access;
mod rate;

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
pub use rate::{Quota, SERVICE_SHARES};

use crate::domain::access::Admission;
use crate::domain::cursor::Cursor;
use crate::domain::job::Job;
use crate::domain::name::fingerprint;
use crate::domain::project::Role;
use crate::domain::room::{Asking, Rooms};
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};
use crate::domain::trace::TraceId;

/// Metadata key of the caller's service token.
pub const SERVICE_TOKEN: &str = "x-roomcast-service";
/// Metadata key of the cursor up to which an edge has heard of changed rights: a call with it is decided
/// by no older knowledge, whichever core it reaches.
pub const HEARD: &str = "x-roomcast-heard";
/// Metadata key of the address of an edge's own client, for the log of what operators do.
pub const CLIENT: &str = "x-roomcast-client";
/// The tenant of whoever names none.
pub const DEFAULT_TENANT: &str = "default";

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

/// A caller, after the door.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub principal: Principal,
    /// The trace that the call belongs to.
    pub trace: Option<TraceId>,
    rooms: Arc<Rooms>,
    /// Where the call comes from: what an edge says of its client, else the peer.
    from: Option<IpAddr>,
}

/// Who acts.
#[derive(Debug, Clone)]
pub enum Principal {
    /// A user, through an edge or directly.
    User(User),
    /// A service on its own behalf.
    Service(Service),
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

    /// Lets a caller in.
    ///
    /// # Errors
    /// `service_credential_required`, `unauthenticated`, `token_invalid`, `token_expired`,
    /// `token_revoked`, `user_disabled`, `user_unknown` or `rate_limited`.
    pub async fn admit<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        self.principal(request).await.inspect_err(|refusal| {
            let code = Code::of(refusal).as_str();
            metrics::counter!("roomcast_refusals_total", "code" => code).increment(1);
        })
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
        told.or_else(|| Some(request.remote_addr()?.ip()))
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
        if request.peer_certs().is_some_and(|chain| !chain.is_empty()) {
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

fn asking(user: &User) -> Asking<'_> {
    Asking { user: &user.id, roles: &user.roles }
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

impl Caller {
    /// Whose name stands in records: the user's id or the service's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.principal {
            Principal::User(user) => &user.id,
            Principal::Service(service) => &service.name,
        }
    }

    fn has(&self, scope: Scope) -> bool {
        match &self.principal {
            Principal::User(user) => user.is_admin(),
            Principal::Service(service) => {
                service.scopes.contains(&scope) || service.scopes.contains(&Scope::Admin)
            }
        }
    }

    /// The tenant a request is about: a user's own, or the one a service names.
    #[must_use]
    pub fn tenant<'a>(&'a self, named: &'a str) -> &'a str {
        match &self.principal {
            Principal::User(user) => &user.tenant,
            Principal::Service(_) if named.is_empty() => DEFAULT_TENANT,
            Principal::Service(_) => named,
        }
    }

    /// The tenant whose jobs a worker gets: a user's own, the one that a service names, or none of all.
    #[must_use]
    pub fn workplace(&self, named: String) -> Option<String> {
        match &self.principal {
            Principal::User(user) => Some(user.tenant.clone()),
            Principal::Service(_) => Some(named).filter(|named| !named.is_empty()),
        }
    }

    /// The owner of what is to be created: the caller, or whom a service or admin names. An edge creates
    /// for its users alone.
    ///
    /// # Errors
    /// `permission_denied`.
    pub fn owner<'a>(&'a self, named: &'a str) -> Result<&'a str, Status> {
        let is_own = named.is_empty() || named == self.name();
        if is_own && (self.user().is_some() || self.steers_all_jobs()) {
            return Ok(self.name());
        }
        self.require(
            Scope::Service,
            "owner: users create for themselves; a service or an admin, for anybody",
        )?;
        Ok(if is_own { self.name() } else { named })
    }

    /// Whether the caller steers everybody's jobs of its tenant.
    #[must_use]
    pub fn steers_all_jobs(&self) -> bool {
        self.has(Scope::Service) || self.has(Scope::Worker)
    }

    /// Whether the caller sees everybody's jobs of its tenant.
    #[must_use]
    pub fn sees_all_jobs(&self) -> bool {
        self.steers_all_jobs() || self.user().is_some_and(User::is_auditor)
    }

    /// Whether it is a worker, which sees and steers the jobs of every tenant.
    #[must_use]
    pub fn works(&self) -> bool {
        self.user().is_none() && self.has(Scope::Worker)
    }

    /// Whether a job is the caller's own.
    #[must_use]
    pub fn owns(&self, job: &Job) -> bool {
        self.user().is_some_and(|user| user.tenant == job.spec.tenant && user.id == job.spec.owner)
    }

    /// What the caller may do with every thing of a tenant, whosever it is.
    #[must_use]
    pub fn standing(&self, tenant: &str) -> Option<Role> {
        match &self.principal {
            Principal::User(user) if user.tenant != tenant => None,
            Principal::User(user) if user.is_admin() => Some(Role::Owner),
            Principal::User(user) => user.is_auditor().then_some(Role::Viewer),
            Principal::Service(_) => self.has(Scope::Service).then_some(Role::Owner),
        }
    }

    /// Whether it is an administrator, whose acts on what is others' are told of.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        match &self.principal {
            Principal::User(user) => user.is_admin(),
            Principal::Service(service) => service.scopes.contains(&Scope::Admin),
        }
    }

    /// Where the call comes from, if that is known.
    #[must_use]
    pub fn from(&self) -> Option<IpAddr> {
        self.from
    }

    /// The declared rooms.
    #[must_use]
    pub fn rooms(&self) -> &Rooms {
        &self.rooms
    }

    /// Who a room is asked for, if it is a user.
    #[must_use]
    pub fn asking(&self) -> Option<Asking<'_>> {
        self.user().map(asking)
    }

    /// The user who calls, if one does.
    #[must_use]
    pub fn user(&self) -> Option<&User> {
        match &self.principal {
            Principal::User(user) => Some(user),
            Principal::Service(_) => None,
        }
    }

    /// Whether an edge calls on its own behalf: it may follow any topic, since it delivers nothing
    /// that the core has not granted to a user.
    #[must_use]
    pub fn is_edge(&self) -> bool {
        matches!(self.principal, Principal::Service(_)) && self.has(Scope::Edge)
    }

    /// Requires the right to publish an event of this type to a topic. Answers whether the room's own
    /// declaration gives it.
    ///
    /// # Errors
    /// `permission_denied`, also where there is no such room.
    pub fn require_publisher(&self, topic: &Topic, kind: &str) -> Result<bool, Status> {
        let room = self.rooms.get(topic.name()).filter(|_| topic.kind() == Kind::Room);
        let is_named =
            room.zip(self.asking()).is_some_and(|(room, user)| room.may_publish(user, kind));
        if is_named {
            return Ok(true);
        }
        let message = format!(
            "publishing this to {topic} takes scope service, role admin, or a right that the room gives"
        );
        self.require(Scope::Service, &message).map(|()| false)
    }

    /// Requires the right to see what operators see.
    ///
    /// # Errors
    /// `permission_denied`.
    pub fn require_observer(&self) -> Result<(), Status> {
        if self.user().is_some_and(User::is_auditor) {
            return Ok(());
        }
        self.require(Scope::Service, "this takes scope service, role admin or role auditor")
    }

    /// Requires the right to say who may come in.
    ///
    /// # Errors
    /// `permission_denied`.
    pub fn require_warden(&self) -> Result<(), Status> {
        self.require(Scope::Service, "saying who may come in takes scope service or role admin")
    }

    /// Requires the right to work.
    ///
    /// # Errors
    /// `permission_denied`.
    pub fn require_worker(&self) -> Result<(), Status> {
        self.require(Scope::Worker, "working takes scope worker or role admin")
    }

    /// Requires an edge's right to follow any topic of any tenant: no user has it, whatever the role.
    ///
    /// # Errors
    /// `permission_denied`.
    pub fn require_edge(&self) -> Result<(), Status> {
        if self.is_edge() {
            return Ok(());
        }
        Err(Code::PermissionDenied
            .status("this takes a service with scope edge, and no user's token"))
    }

    fn require(&self, scope: Scope, message: &str) -> Result<(), Status> {
        if self.has(scope) { Ok(()) } else { Err(Code::PermissionDenied.status(message)) }
    }
}
