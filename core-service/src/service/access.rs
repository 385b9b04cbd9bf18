//! `AccessService`: rights that end before their time.

mod acts;
mod explain;
mod watch;

use std::pin::Pin;
use std::sync::Arc;

use roomcast_identity::Ticket;
use roomcast_proto::registry::Code;
use roomcast_proto::v1::{self, access_service_server::AccessService};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::broadcast::GRANT;
use super::wire::access as wire;
use super::wire::check::{self, invalid};
use super::wire::{page, publish, timestamp};
use super::{audit, right};
use crate::auth::{self, Admitted, Caller, Door};
use crate::domain::access::{self, Command, Entry, Table, Touched};
use crate::domain::limits;
use crate::domain::retention::Retentions;
use crate::domain::right::Trail;
use crate::domain::topic::{Kind, Topic};
use crate::error::status;
use crate::log::{Log, now};
use crate::store::commit::Action;
use crate::store::{self, AccessQuery, Refusal};

/// Rooms of one question: more than anybody enters at once.
const ROOMS_ASKED_MAX: usize = 32;
/// Pages of revocations and of users.
pub(super) const PAGES: page::Sizes = page::Sizes { default: 50, max: 200 };

/// The door to who may come in.
#[derive(Debug, Clone)]
pub struct Accesses {
    log: Log,
    door: Arc<Door>,
    retentions: Retentions,
    drain: CancellationToken,
}

impl Accesses {
    /// The service over a log. Streams end when `drain` is cancelled.
    #[must_use]
    pub fn new(
        log: Log,
        door: Arc<Door>,
        retentions: Retentions,
        drain: CancellationToken,
    ) -> Accesses {
        Accesses { log, door, retentions, drain }
    }
}

/// Commits a command, and answers once the change is in force here.
pub(super) async fn commit(
    log: &Log,
    door: &Door,
    caller: &Caller,
    command: Command,
) -> Result<Option<Entry>, Status> {
    let told = audit::of_access(caller, &command);
    let command =
        store::Command { action: Action::Access(command), idempotency: None, trace: caller.trace };
    let committed = audit::commit(log, told, command, |command| log.commit_access(command));
    let (entry, offset) = committed.await.map_err(status)?;
    door.access().reached(offset).await;
    Ok(entry)
}

/// Refuses one more entry where there are as many as a core keeps. However many users are registered,
/// tokens can be revoked.
pub(super) fn make_room(door: &Door, table: Table) -> Result<(), Status> {
    if door.access().count(table) < limits::ACCESS_ENTRIES_MAX {
        return Ok(());
    }
    Err(Code::AccessFull.status("at most 100000 users, and as many revocations"))
}

/// One page of a tenant's entries, and the token of the next.
pub(super) async fn list(
    log: &Log,
    table: Table,
    tenant: String,
    asked: (i32, &str),
) -> Result<(Vec<Entry>, String), Status> {
    let (size, token) = (page::size(asked.0, PAGES)?, asked.1);
    let after = page::place(token, tenant.as_bytes())?.map(|name| (tenant.clone(), name));
    let query =
        AccessQuery { table, tenant: Some(tenant.clone()), name: None, after, limit: size + 1 };
    let mut entries = log.store().access(query).await.map_err(status)?;
    let has_more = entries.len() > size;
    entries.truncate(size);
    let last = entries.last().filter(|_| has_more).map(|last| last.key().name);
    let next = last.map(|name| page::token(&name, tenant.as_bytes())).unwrap_or_default();
    Ok((entries, next))
}

type WatchStream = Pin<Box<dyn Stream<Item = Result<v1::WatchAccessResponse, Status>> + Send>>;

#[tonic::async_trait]
impl AccessService for Accesses {
    type WatchAccessStream = WatchStream;

    async fn revoke(
        &self,
        request: Request<v1::RevokeRequest>,
    ) -> Result<Response<v1::RevokeResponse>, Status> {
        let Admitted { caller, tenant, request, .. } = self.door.admit(&self.log, request).await?;
        let revocation = wire::revocation(request, tenant, caller.name(), now())?;
        make_room(&self.door, Table::Revocation)?;
        let command = Command::Revoke(revocation);
        match commit(&self.log, &self.door, &caller, command).await? {
            Some(Entry::Revocation(revocation)) => {
                let revocation = Some(wire::to_revocation(revocation));
                Ok(Response::new(v1::RevokeResponse { revocation }))
            }
            Some(Entry::User(_) | Entry::Ticket(_)) | None => {
                Err(Code::Internal.status("a revocation was expected"))
            }
        }
    }

    async fn list_revocations(
        &self,
        request: Request<v1::ListRevocationsRequest>,
    ) -> Result<Response<v1::ListRevocationsResponse>, Status> {
        let Admitted { tenant, request, .. } = self.door.admit(&self.log, request).await?;
        let asked = (request.page_size, request.page_token.as_str());
        let (entries, next_page_token) = list(&self.log, Table::Revocation, tenant, asked).await?;
        let now = now();
        let revocations = entries.into_iter().filter_map(|entry| match entry {
            Entry::Revocation(revocation) if revocation.expires_at > now => {
                Some(wire::to_revocation(revocation))
            }
            Entry::Revocation(_) | Entry::User(_) | Entry::Ticket(_) => None,
        });
        let revocations = revocations.collect();
        Ok(Response::new(v1::ListRevocationsResponse { revocations, next_page_token }))
    }

    async fn lift_revocation(
        &self,
        request: Request<v1::LiftRevocationRequest>,
    ) -> Result<Response<v1::LiftRevocationResponse>, Status> {
        let Admitted { caller, tenant, request, .. } = self.door.admit(&self.log, request).await?;
        let id = wire::revocation_id(request.revocation_id)?;
        let command = Command::Lift { tenant, id };
        commit(&self.log, &self.door, &caller, command).await?;
        Ok(Response::new(v1::LiftRevocationResponse {}))
    }

    async fn recheck_grants(
        &self,
        request: Request<v1::RecheckGrantsRequest>,
    ) -> Result<Response<v1::RecheckGrantsResponse>, Status> {
        let Admitted { caller, tenant, request, .. } = self.door.admit(&self.log, request).await?;
        let v1::RecheckGrantsRequest { subject, topic, .. } = request;
        let subject = check::key("subject", subject, limits::SUBJECT_BYTES_MAX)?;
        let topic = match topic.as_str() {
            "" => String::new(),
            full => publish::topic(&tenant, full)?.full().to_owned(),
        };
        let touched = Touched { tenant, subject, topic, ..Touched::default() };
        commit(&self.log, &self.door, &caller, Command::Recheck(touched)).await?;
        Ok(Response::new(v1::RecheckGrantsResponse {}))
    }

    async fn check_access(
        &self,
        request: Request<v1::CheckAccessRequest>,
    ) -> Result<Response<v1::CheckAccessResponse>, Status> {
        let Admitted { caller, tenant, request, .. } = self.door.admit(&self.log, request).await?;
        let asked = request.rooms;
        if asked.len() > ROOMS_ASKED_MAX {
            return Err(invalid("rooms", "at most 32"));
        }
        let may_read = |room: &String| {
            Topic::new(&tenant, Kind::Room, room).is_ok_and(|topic| {
                right::may_read_room(&self.door, &caller, &topic, &mut Trail::none())
            })
        };
        Ok(Response::new(v1::CheckAccessResponse {
            rooms: asked.into_iter().filter(may_read).collect(),
            expire_time: Some(timestamp(now() + GRANT)),
        }))
    }

    async fn watch_access(
        &self,
        request: Request<v1::WatchAccessRequest>,
    ) -> Result<Response<WatchStream>, Status> {
        let Admitted { request, .. } = self.door.admit(&self.log, request).await?;
        let stream = watch::open(&self.log, &self.door, &request.since, self.drain.clone()).await?;
        Ok(Response::new(Box::pin(stream)))
    }

    async fn issue_ticket(
        &self,
        request: Request<v1::IssueTicketRequest>,
    ) -> Result<Response<v1::IssueTicketResponse>, Status> {
        // A call without a good one is not let in.
        let token = auth::bearer(request.metadata()).ok().flatten().unwrap_or_default().to_owned();
        let Admitted { caller, .. } = self.door.admit(&self.log, request).await?;
        let failed = |_| Code::Internal.status("a ticket could not be made");
        let ticket = Ticket::generate().map_err(failed)?;
        let sealed = ticket.seal(&token).map_err(failed)?;
        let expires_at = now() + limits::TICKET_LIFE;
        let kept = access::Ticket { hash: ticket.name(), sealed, expires_at };
        commit(&self.log, &self.door, &caller, Command::IssueTicket(kept)).await?;
        let expire_time = Some(timestamp(expires_at));
        Ok(Response::new(v1::IssueTicketResponse { ticket: ticket.reveal(), expire_time }))
    }

    async fn spend_ticket(
        &self,
        request: Request<v1::SpendTicketRequest>,
    ) -> Result<Response<v1::SpendTicketResponse>, Status> {
        let Admitted { caller, request, .. } = self.door.admit(&self.log, request).await?;
        let no_ticket = || status(Refusal::Access(access::Refusal::NotFound(Table::Ticket)).into());
        let ticket = Ticket::parse(&request.ticket).ok_or_else(no_ticket)?;
        let command = Command::SpendTicket { hash: ticket.name() };
        let spent = commit(&self.log, &self.door, &caller, command).await?;
        let token = match spent {
            Some(Entry::Ticket(kept)) => ticket.open(&kept.sealed),
            Some(Entry::Revocation(_) | Entry::User(_)) | None => None,
        };
        let token = token.ok_or_else(no_ticket)?;
        Ok(Response::new(v1::SpendTicketResponse { token }))
    }

    async fn explain_access(
        &self,
        request: Request<v1::ExplainAccessRequest>,
    ) -> Result<Response<v1::ExplainAccessResponse>, Status> {
        let call = self.door.admit(&self.log, request).await?;
        self.explain(call).await.map(Response::new)
    }

    async fn list_acts(
        &self,
        request: Request<v1::ListActsRequest>,
    ) -> Result<Response<v1::ListActsResponse>, Status> {
        let call = self.door.admit(&self.log, request).await?;
        self.acts(call).await.map(Response::new)
    }

    async fn record_disconnect(
        &self,
        request: Request<v1::RecordDisconnectRequest>,
    ) -> Result<Response<v1::RecordDisconnectResponse>, Status> {
        let Admitted { caller, tenant, request, .. } = self.door.admit(&self.log, request).await?;
        let v1::RecordDisconnectRequest { connection_id, user_id, .. } = request;
        let connection_id = check::name("connection_id", connection_id)?;
        let user_id = wire::subject("user_id", user_id)?;
        let command = Command::Disconnect { tenant, user_id, connection_id };
        commit(&self.log, &self.door, &caller, command).await?;
        Ok(Response::new(v1::RecordDisconnectResponse {}))
    }
}
