//! One connected socket: takes its messages one by one, and keeps the topics it joined. What it does for
//! each noun stands in the folder beside this file.

mod audit;
mod dashboard;
mod farewell;
mod job;
mod join;
mod late;
mod project;
mod publish;
mod recovery;
mod room;
mod session;
mod standing;

use std::{
    pin::pin,
    sync::{Arc, OnceLock},
};

use roomcast_runtime::trace::TraceContext;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::late::Late;
use super::{
    allowance::Allowance,
    command::Command,
    delivery::End,
    emit::{Gone, Outlet},
    idle::Idle,
    inbound::{Inbound, Message},
    payload::{Connected, Done, Pong, PongAck},
    recover::Recovery,
    refusal::Refusal,
    subscriptions::{Ended, Names, Subscriptions, Topics},
    transport::Seat,
    view::View,
};
use crate::{
    auth::{Identity, Standing},
    connections::{ConnectionInfo, Entry},
    departures::Previous,
    names::now,
    state::AppState,
};

/// One connected socket.
#[derive(Debug)]
pub struct Connection {
    id: String,
    connected_at: String,
    state: AppState,
    identity: Identity,
    trace: TraceContext,
    allowance: Arc<Allowance>,
    seat: Option<Seat>,
    outlet: Outlet,
    /// Of a client that recovers.
    pid: OnceLock<String>,
    gone: CancellationToken,
    dismissed: CancellationToken,
    topics: Names,
}

/// Who has come in.
#[derive(Debug)]
pub(super) struct Visitor {
    pub(super) identity: Identity,
    pub(super) trace: TraceContext,
    /// What the client may emit, over all sockets of its connection.
    pub(super) allowance: Arc<Allowance>,
    pub(super) seat: Option<Seat>,
}

/// What a socket begins with.
#[derive(Debug)]
pub(super) struct Beginning {
    pub(super) topics: Topics,
    /// What a client that recovers goes on with.
    pub(super) recovery: Option<Recovery>,
    /// What it is shown, if it is.
    pub(super) view: Option<View>,
    /// What is to be told of the client's last connection.
    pub(super) previous: Option<Previous>,
}

/// What a socket holds while it lives.
#[derive(Debug)]
struct Held {
    subscriptions: Subscriptions,
    standing: Box<Standing>,
    /// What is to be shown once the core answers.
    awaited: Option<Box<View>>,
    /// What is to be joined once the core answers.
    late: Option<Box<Late>>,
}

/// Why a request was not done.
#[derive(Debug)]
enum Failure {
    Refused(Refusal),
    /// The socket has gone meanwhile.
    Gone,
}

type Outcome = Result<(), Failure>;

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Gone> for Failure {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl Connection {
    pub(super) fn new(state: AppState, visitor: Visitor, outlet: Outlet) -> Self {
        let Visitor { identity, trace, allowance, seat } = visitor;
        Self {
            id: uuid::Uuid::new_v4().simple().to_string(),
            connected_at: now(),
            state,
            identity,
            trace,
            allowance,
            seat,
            outlet,
            pid: OnceLock::new(),
            gone: CancellationToken::new(),
            dismissed: CancellationToken::new(),
            topics: Names::default(),
        }
    }

    /// Cancelled when the socket is gone.
    pub(super) fn gone(&self) -> &CancellationToken {
        &self.gone
    }
}

impl Entry for Connection {
    fn id(&self) -> &str {
        &self.id
    }

    fn is_of(&self, tenant: &str) -> bool {
        self.identity.user.tenant == tenant
    }

    fn namespace(&self) -> &'static str {
        self.outlet.namespace().name()
    }

    fn is_polling(&self) -> bool {
        self.outlet.carrier().is_none()
    }

    fn info(&self) -> ConnectionInfo {
        let carrier = self.outlet.carrier();
        ConnectionInfo {
            id: self.id.clone(),
            namespace: self.outlet.namespace().name(),
            user_id: self.identity.user.id.clone(),
            tenant: self.identity.user.tenant.clone(),
            roles: self.identity.user.roles.clone(),
            address: self.seat.as_ref().and_then(Seat::address),
            transport: if carrier.is_some() { "websocket" } else { "polling" },
            waiting_bytes: carrier.map_or(0, |lane| lane.waiting_bytes()),
            connected_at: self.connected_at.clone(),
            topics: self.topics.list(),
        }
    }

    fn end(&self) {
        self.dismissed.cancel();
    }
}

impl Connection {
    /// Serves the socket until it or the edge goes.
    pub(super) async fn run(
        self: Arc<Self>,
        inbound: Inbound,
        beginning: Box<Beginning>,
        standing: Box<Standing>,
    ) {
        self.state.connections.add(Arc::<Self>::clone(&self));
        let subscriptions = Subscriptions::new(self.outlet.clone(), self.topics.clone());
        let mut held = Held { subscriptions, standing, awaited: None, late: None };
        tokio::select! {
            // That the socket has gone is all there is to know of its end.
            _ = self.serve(&mut held, inbound, beginning) => {}
            () = self.gone.cancelled() => {}
        }
        held.subscriptions.abandon();
        if let Some(reason) = self.outlet.killed() {
            let names = std::iter::once(&self.id).chain(self.pid.get()).map(String::as_str);
            self.state.departures.note(names, &self.identity.user, reason);
        }
        self.outlet.forget();
        self.state.connections.remove(&self.id);
    }

    async fn serve(
        &self,
        held: &mut Held,
        mut inbound: Inbound,
        beginning: Box<Beginning>,
    ) -> Result<(), Gone> {
        // Boxed, as all that a socket does only now and then: thousands only wait, and that is small.
        Box::pin(self.greet(held, beginning)).await?;
        let mut idle = Idle::new(self.state.config.idle_limit());
        let mut farewell = pin!(self.farewell_time());
        loop {
            idle.note(held.subscriptions.is_any() || held.late.is_some(), Instant::now());
            tokio::select! {
                notice = held.standing.next() => Box::pin(self.heed(held, notice)).await?,
                () = self.dismissed.cancelled() => return Box::pin(self.dismiss()).await,
                answer = self.answered(held.late.as_deref_mut()) => {
                    Box::pin(self.join_late(held, answer)).await?;
                }
                () = idle.is_over() => return Box::pin(self.retire()).await,
                ended = held.subscriptions.ended() => Box::pin(self.ended(held, ended)).await?,
                message = inbound.next() => {
                    idle.hear();
                    Box::pin(self.handle(held, message)).await?;
                }
                () = &mut farewell => return Box::pin(self.part(held, &mut inbound)).await,
            }
        }
    }

    /// The edge is going. What came before that is still answered: its client waits for it.
    async fn part(&self, held: &mut Held, inbound: &mut Inbound) -> Result<(), Gone> {
        while let Some(message) = inbound.waiting() {
            self.handle(held, message).await?;
        }
        self.farewell().await
    }

    /// Says who has come in, and goes on with what the client was in.
    async fn greet(&self, held: &mut Held, beginning: Box<Beginning>) -> Result<(), Gone> {
        self.outlet.open().await?;
        let Beginning { mut topics, recovery, view, previous } = *beginning;
        let hello = Connected {
            message: "Connected to Roomcast",
            user_id: &self.identity.user.id,
            connection_id: &self.id,
            timestamp: now(),
            previous,
            recovered: recovery.as_ref().map(|recovery| recovery.is_whole),
        };
        self.outlet.tell("connected", &hello).await?;
        if let Some(recovery) = recovery {
            topics.extend(self.go_on(held, recovery).await?);
        }
        if let Some(view) = view {
            self.show(held, view, &mut topics).await?;
        }
        self.join_all(held, topics).await
    }

    async fn handle(&self, held: &mut Held, message: Message) -> Result<(), Gone> {
        let outcome = match Command::parse(&message) {
            Ok(command) => self.execute(held, command, message.ack).await,
            Err(refusal) => Err(Failure::Refused(refusal)),
        };
        match outcome {
            Ok(()) => Ok(()),
            Err(Failure::Gone) => Err(Gone),
            Err(Failure::Refused(refusal)) => {
                self.allowance.charge_failure(Instant::now());
                refusal.tell(&self.outlet, message.ack).await
            }
        }
    }

    async fn execute(&self, held: &mut Held, command: Command, ack: Option<i64>) -> Outcome {
        match command {
            Command::Audit(audit) => self.audit(held, audit, ack).await,
            Command::Job(job) => self.job(held, job, ack).await,
            Command::Project(project) => self.project(held, project, ack).await,
            Command::Publish(publish) => self.publish(publish, ack).await,
            Command::Room(room) => self.room(held, room, ack).await,
            Command::Session(session) => self.session(held, session, ack).await,
            Command::Authenticate(fresh) => self.authenticate(held, &fresh.token, ack).await,
            Command::Ping => self.pong(ack).await,
        }
    }

    async fn done(&self, ack: Option<i64>) -> Result<(), Gone> {
        match ack {
            Some(ack) => self.outlet.acknowledge(ack, &Done { ok: true }).await,
            None => Ok(()),
        }
    }

    async fn pong(&self, ack: Option<i64>) -> Outcome {
        let pong = Pong { timestamp: now() };
        if let Some(ack) = ack {
            let answer = PongAck { ok: true, timestamp: &pong.timestamp };
            self.outlet.acknowledge(ack, &answer).await?;
        }
        Ok(self.outlet.tell("pong", &pong).await?)
    }

    /// A delivery ended by itself. A topic whose job has ended stays joined, until others need its place;
    /// one whose right is gone does not.
    async fn ended(&self, held: &mut Held, ended: Ended) -> Result<(), Gone> {
        match ended.end {
            End::Ended => {
                let is_forgotten = held.subscriptions.close(&ended.topic);
                if is_forgotten { self.outlet.tell_offset().await } else { Ok(()) }
            }
            End::Gone => Err(Gone),
            End::Refused { code, message } => {
                held.subscriptions.stop(&ended.topic).await;
                let message = format!("{}: {message}", ended.topic);
                Refusal::new(code, message).of(&ended.topic).tell(&self.outlet, None).await
            }
        }
    }
}

#[cfg(test)]
mod tests;
