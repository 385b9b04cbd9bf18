//! One connected socket: takes its messages one by one, and keeps the topics it joined.

mod standing;

use std::{collections::BTreeMap, pin::pin, sync::Arc, time::Duration};

use roomcast_proto::registry::Code;
use roomcast_runtime::trace::TraceContext;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{
    ConnectionInfo, Gone, Outlet,
    command::{Command, Refusal},
    inbound::{Inbound, Message},
    payload::{Closing, Connected, Done, JobUnsubscribed, Joined, Pong, PongAck},
    recover::{Claim, Recovery},
    subscriptions::{Ended, Names, Subscriptions},
};
use crate::{
    app::AppState,
    auth::{Identity, Standing},
    config::Switch,
    delivery::{End, announce, reset_reason},
    feed,
    lane::{Greeting, KillReason, Namespace},
    names::now,
    upstream::spread,
};

/// What a client is told to wait before it comes back from a shutdown.
const RETRY_AFTER_MS: u64 = 1000;
/// The farewell has this long to leave the socket's queue.
const FAREWELL_TIME: Duration = Duration::from_millis(250);

/// One connected socket.
#[derive(Debug)]
pub struct Connection {
    id: String,
    connected_at: String,
    state: AppState,
    identity: Identity,
    trace: TraceContext,
    outlet: Outlet,
    gone: CancellationToken,
    dismissed: CancellationToken,
    topics: Names,
}

/// What a socket begins with.
#[derive(Debug)]
pub(super) struct Beginning {
    /// Topics to join, each with the cursor of the last event that the client has.
    pub(super) cursors: BTreeMap<String, String>,
    /// What a client that recovers goes on with.
    pub(super) recovery: Option<Recovery>,
}

/// What became of a request: done, or refused; or the socket has gone meanwhile.
type Outcome = Result<Result<(), Refusal>, Gone>;

impl Connection {
    pub(super) fn new(
        state: AppState,
        identity: Identity,
        trace: TraceContext,
        outlet: Outlet,
    ) -> Self {
        Self {
            id: uuid::Uuid::new_v4().simple().to_string(),
            connected_at: now(),
            state,
            identity,
            trace,
            outlet,
            gone: CancellationToken::new(),
            dismissed: CancellationToken::new(),
            topics: Names::default(),
        }
    }

    /// Our own id of this connection.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Cancelled when the socket is gone.
    pub(super) fn gone(&self) -> &CancellationToken {
        &self.gone
    }

    /// Has the connection ended by an operator's word.
    pub(super) fn end(&self) {
        self.dismissed.cancel();
    }

    pub(super) fn info(&self) -> ConnectionInfo {
        ConnectionInfo {
            id: self.id.clone(),
            user_id: self.identity.user.id.clone(),
            tenant: self.identity.user.tenant.clone(),
            connected_at: self.connected_at.clone(),
            topics: self.topics.list(),
        }
    }

    /// Serves the socket until it or the edge goes.
    pub(super) async fn run(
        self: Arc<Self>,
        inbound: Inbound,
        beginning: Beginning,
        standing: Standing,
    ) {
        self.state.connections.add(&self);
        let mut subscriptions = Subscriptions::new(self.outlet.clone(), self.topics.clone());
        tokio::select! {
            // That the socket has gone is all there is to know of its end.
            _ = self.serve(&mut subscriptions, inbound, beginning, standing) => {}
            () = self.gone.cancelled() => {}
        }
        subscriptions.abandon();
        self.outlet.forget();
        self.state.connections.remove(&self);
    }

    async fn serve(
        &self,
        subscriptions: &mut Subscriptions,
        mut inbound: Inbound,
        beginning: Beginning,
        mut standing: Standing,
    ) -> Result<(), Gone> {
        self.outlet.open().await?;
        let Beginning { cursors, recovery } = beginning;
        let hello = Connected {
            message: "Connected to Roomcast",
            user_id: &self.identity.user.id,
            timestamp: now(),
            recovered: recovery.as_ref().map(|recovery| recovery.is_whole),
        };
        self.outlet.tell("connected", &hello).await?;
        if let Some(recovery) = recovery {
            Box::pin(self.go_on(subscriptions, recovery)).await?;
        }
        for (topic, cursor) in cursors {
            if let Err(refusal) = Box::pin(self.resume(subscriptions, &topic, &cursor)).await? {
                refusal.tell(&self.outlet, None).await?;
            }
        }
        let mut farewell = pin!(self.farewell_time());
        loop {
            tokio::select! {
                notice = standing.next() => self.heed(&mut standing, notice).await?,
                () = self.dismissed.cancelled() => return self.dismiss().await,
                ended = subscriptions.ended() => self.ended(subscriptions, ended).await?,
                message = inbound.next() => match message {
                    Some(message) => {
                        let held = (&mut *subscriptions, &mut standing);
                        self.handle(held, &inbound, message).await?;
                    }
                    None => return Ok(()),
                },
                () = &mut farewell => {
                    // What came before it is still answered: its client waits for that.
                    while let Some(message) = inbound.waiting() {
                        let held = (&mut *subscriptions, &mut standing);
                        self.handle(held, &inbound, message).await?;
                    }
                    return self.farewell().await;
                }
            }
        }
    }

    async fn handle(
        &self,
        held: (&mut Subscriptions, &mut Standing),
        inbound: &Inbound,
        message: Message,
    ) -> Result<(), Gone> {
        let outcome = match Command::parse(&message) {
            // Boxed, as all that a socket does only now and then: what waits is small.
            Ok(command) => Box::pin(self.execute(held, command, message.ack)).await?,
            Err(refusal) => Err(refusal),
        };
        match outcome {
            Ok(()) => Ok(()),
            Err(refusal) => {
                inbound.charge_failure(Instant::now());
                refusal.tell(&self.outlet, message.ack).await
            }
        }
    }

    async fn execute(
        &self,
        (subscriptions, standing): (&mut Subscriptions, &mut Standing),
        command: Command,
        ack: Option<i64>,
    ) -> Outcome {
        match command {
            Command::JoinJob { job_id, since } => {
                let topic = format!("job:{job_id}");
                let refused = |status: &Status| Refusal::of_job(status, &job_id);
                let joined = match self.ask(subscriptions, &topic, since.as_deref(), refused).await
                {
                    Ok(joined) => joined,
                    Err(refusal) => return Ok(Err(refusal)),
                };
                self.begin(subscriptions, joined, ack, &format!("Subscribed to job {job_id}"))
                    .await?;
            }
            Command::LeaveJob { job_id } => {
                self.leave(subscriptions, &format!("job:{job_id}"), ack).await?;
                let message = format!("Unsubscribed from job {job_id}");
                let left = JobUnsubscribed { job_id: &job_id, message };
                self.outlet.tell("job_unsubscribed", &left).await?;
            }
            Command::SubscribeJobs { since } => {
                let topic = self.own_topic();
                let refused = |status: &Status| Refusal::from(status);
                let joined = match self.ask(subscriptions, &topic, since.as_deref(), refused).await
                {
                    Ok(joined) => joined,
                    Err(refusal) => return Ok(Err(refusal)),
                };
                self.begin(subscriptions, joined, ack, "").await?;
            }
            Command::UnsubscribeJobs => {
                subscriptions.stop_own().await;
                self.outlet.tell_offset().await?;
                self.done(ack).await?;
            }
            Command::JoinRoom { room, since } => {
                let topic = format!("room:{room}");
                let refused = |status: &Status| Refusal::from(status);
                let joined = match self.ask(subscriptions, &topic, since.as_deref(), refused).await
                {
                    Ok(joined) => joined,
                    Err(refusal) => return Ok(Err(refusal)),
                };
                self.begin(subscriptions, joined, ack, "").await?;
            }
            Command::LeaveRoom { room } => {
                self.leave(subscriptions, &format!("room:{room}"), ack).await?;
            }
            Command::Authenticate { token } => {
                return self.authenticate(standing, &token.0, ack).await;
            }
            Command::Ping => self.pong(ack).await?,
        }
        Ok(Ok(()))
    }

    /// The user's own list of jobs.
    fn own_topic(&self) -> String {
        format!("user:{}", self.identity.user.id)
    }

    /// A topic the client was in before it connected: its cursor is in the handshake.
    async fn resume(
        &self,
        subscriptions: &mut Subscriptions,
        topic: &str,
        cursor: &str,
    ) -> Outcome {
        let refused = |status: &Status| Refusal::of_topic(status, topic);
        match self.ask(subscriptions, topic, Some(cursor), refused).await {
            Ok(joined) => {
                self.begin(subscriptions, joined, None, "").await?;
                Ok(Ok(()))
            }
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// Joins again what the client says it was in, and has the greeting answer it. Without lanes nothing
    /// could complete the CONNECT reply of a WebSocket, and it is not offered.
    pub(super) async fn recover(&self, claim: &Claim, greeting: &Greeting) -> Option<Recovery> {
        if self.state.config.lane == Switch::Off {
            return None;
        }
        self.outlet.begin_recovery();
        let recovery = Recovery::attempt(claim, &self.identity.user, async |topic, since| {
            self.join(&topic, since.as_deref()).await
        })
        .await;
        for feed::Joined { response, .. } in &recovery.joined {
            self.outlet.place(&response.topic, response.resumed.then_some(&response.cursor));
        }
        greeting.add(Namespace::ROOT, recovery.pid.clone());
        Some(recovery)
    }

    /// Goes on with what a client that recovers was in.
    async fn go_on(
        &self,
        subscriptions: &mut Subscriptions,
        recovery: Recovery,
    ) -> Result<(), Gone> {
        for joined in recovery.joined {
            self.begin(subscriptions, joined, None, "").await?;
        }
        for (topic, status) in recovery.refused {
            Refusal::of_topic(&status, &topic).tell(&self.outlet, None).await?;
        }
        Ok(())
    }

    /// Asks the core for the right, with the user's own token.
    async fn ask(
        &self,
        subscriptions: &Subscriptions,
        topic: &str,
        since: Option<&str>,
        refused: impl Fn(&Status) -> Refusal,
    ) -> Result<feed::Joined, Refusal> {
        subscriptions.make_room(topic)?;
        self.join(topic, since).await.map_err(|status| refused(&status))
    }

    async fn join(&self, topic: &str, since: Option<&str>) -> Result<feed::Joined, Status> {
        let caller = self.identity.caller(self.trace.child());
        let joined = self.state.feeds.join(caller, topic, since).await;
        let outcome = joined.as_ref().map_or_else(|status| Code::of(status).as_str(), |_| "ok");
        metrics::counter!("roomcast_edge_joins_total", "outcome" => outcome).increment(1);
        joined
    }

    /// Acknowledges a join, tells where the topic stands, and delivers what follows: in this order.
    async fn begin(
        &self,
        subscriptions: &mut Subscriptions,
        joined: feed::Joined,
        ack: Option<i64>,
        message: &str,
    ) -> Result<(), Gone> {
        let feed::Joined { response, reader } = joined;
        subscriptions.stop(&response.topic).await;
        // Before the answer: whoever is told that it has joined comes back to the topic.
        self.outlet.place(&response.topic, response.resumed.then_some(&response.cursor));
        self.outlet.tell_offset().await?;
        if let Some(ack) = ack {
            let answer = Joined {
                ok: true,
                topic: &response.topic,
                cursor: &response.cursor,
                resumed: response.resumed,
                head: &response.head,
                reset: response.reset.as_ref().map(|reset| reset_reason(reset.reason())),
            };
            self.outlet.acknowledge(ack, &answer).await?;
        }
        if !response.resumed {
            announce(&self.outlet, &response, message).await?;
            self.outlet.tell_place(&response.topic, &response.cursor).await?;
        }
        subscriptions.start(reader);
        Ok(())
    }

    async fn leave(
        &self,
        subscriptions: &mut Subscriptions,
        topic: &str,
        ack: Option<i64>,
    ) -> Result<(), Gone> {
        subscriptions.stop(topic).await;
        self.outlet.tell_offset().await?;
        self.done(ack).await
    }

    async fn done(&self, ack: Option<i64>) -> Result<(), Gone> {
        match ack {
            Some(ack) => self.outlet.acknowledge(ack, &Done { ok: true }).await,
            None => Ok(()),
        }
    }

    async fn pong(&self, ack: Option<i64>) -> Result<(), Gone> {
        let pong = Pong { timestamp: now() };
        if let Some(ack) = ack {
            let answer = PongAck { ok: true, timestamp: &pong.timestamp };
            self.outlet.acknowledge(ack, &answer).await?;
        }
        self.outlet.tell("pong", &pong).await
    }

    /// A delivery ended by itself. A topic whose job has ended stays joined; one whose right is gone
    /// does not.
    async fn ended(&self, subscriptions: &mut Subscriptions, ended: Ended) -> Result<(), Gone> {
        match ended.end {
            End::Ended => Ok(()),
            End::Gone => Err(Gone),
            End::Refused { code, message } => {
                subscriptions.stop(&ended.topic).await;
                let message = format!("{}: {message}", ended.topic);
                Refusal::new(code, message).tell(&self.outlet, None).await
            }
        }
    }

    /// When the edge is going: each socket at a moment of its own within the window, and served until
    /// then, so that they do not all come back at once.
    async fn farewell_time(&self) {
        self.state.draining.cancelled().await;
        sleep(spread(self.state.config.drain_window())).await;
    }

    /// Says so, and ends the transport: clients come back by themselves.
    async fn farewell(&self) -> Result<(), Gone> {
        let closing = Closing { reason: Code::Draining.as_str(), retry_after_ms: RETRY_AFTER_MS };
        self.outlet.tell("closing", &closing).await?;
        sleep(FAREWELL_TIME).await;
        self.outlet.kill(KillReason::Draining);
        Ok(())
    }
}
