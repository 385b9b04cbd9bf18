//! How a socket comes in: the token first, then everything it needs to be served.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use roomcast_identity::bearer;
use roomcast_proto::{dashboard, registry::Code};
use roomcast_runtime::trace::TraceContext;
use socketioxide::extract::{Extension, SocketRef, State, TryData};
use tokio::time::Instant;

use super::{
    adapter::{Adapters, RawAdapter},
    allowance::Allowance,
    connection::{Beginning, Connection, Visitor},
    emit::Outlet,
    handshake::Handshake,
    inbound::{Inbound, Taken, inbox},
    leaving::Leaving,
    subscriptions::Topics,
    transport::{Session, Transports, Users},
    view::View,
};
use crate::{
    auth::{Identity, Refused, Standing},
    config::Switch,
    lane::{KillReason, Lane, Namespace},
    listener::limit_hit,
    state::AppState,
};

/// Why a socket is not let in: the text of `connect_error`, its code first.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rejection {
    code: Code,
    message: String,
}

impl Rejection {
    fn new(code: Code, message: impl Into<String>) -> Self {
        metrics::counter!("roomcast_edge_refusals_total", "code" => code.as_str()).increment(1);
        Self { code, message: message.into() }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}

/// What every socket of an edge comes in by, but those of operators who look. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Doorway {
    pub(super) state: AppState,
    pub(super) adapters: Adapters,
    pub(super) transports: Transports,
    pub(super) users: Users,
}

/// What waits for the CONNECT reply to be on its way: nothing may be emitted before it.
#[derive(Clone)]
pub(super) struct Waiting(Arc<Mutex<Option<Ready>>>);

struct Ready {
    connection: Arc<Connection>,
    inbound: Inbound,
    beginning: Box<Beginning>,
    standing: Box<Standing>,
}

/// Runs before the CONNECT reply. Handlers are registered here: a message that follows the reply at
/// once would find none otherwise.
pub(super) async fn authenticate(
    socket: SocketRef<RawAdapter>,
    TryData(handshake): TryData<Option<Handshake>>,
    State(doorway): State<Doorway>,
) -> Result<(), Rejection> {
    let Doorway { state, adapters, transports, users } = doorway;
    let http::request::Parts { headers, extensions, .. } = socket.req_parts();
    let session = extensions.get::<Arc<Session>>();
    let lane = extensions.get::<Arc<Lane>>().cloned();
    let (namespace, adapter) = Namespace::named(socket.ns())
        .and_then(|namespace| Some((namespace, adapters.get(namespace.name())?)))
        .ok_or_else(|| Rejection::new(Code::Internal, "the namespace is not ready"))?;
    // The request kept with a socket is its first: only a WebSocket's is the one that carries it.
    let direct = lane.filter(|_| headers.contains_key(http::header::UPGRADE));
    let outlet = Outlet::new(adapter, (namespace, socket.id), direct, transports);
    if state.is_draining() {
        // Clients come back by themselves from a connection that ends, and not from a refusal.
        outlet.kill(KillReason::Draining);
        return Err(Rejection::new(Code::Draining, Code::Draining.entry().cause));
    }
    let (handshake, topics) = understood(handshake)?;
    let identity = identified(&state, &handshake, headers).await?;
    let trace = TraceContext::from_headers(headers);
    let is_shown = namespace == Namespace::Root
        && state.config.dashboard == Switch::On
        && !handshake.declines_dashboard();
    let rooms: &[&str] = if is_shown { &dashboard::VIEWED } else { &[] };
    let (standing, view) = admitted(&state, &identity, (rooms, trace)).await?;
    confirmed(session, &users, &identity)?;
    let previous = state.departures.take(handshake.claim.names(), &identity.user);
    let rate = state.config.socket_events();
    let allowance = || Allowance::new(rate, Instant::now());
    let allowance =
        session.map_or_else(|| Arc::new(allowance()), |session| session.allowance(allowance));
    let seat = session.map(Session::seat);
    let visitor = Visitor { identity, trace, allowance: Arc::clone(&allowance), seat };
    let connection = Arc::new(Connection::new(state, visitor, outlet.clone()));
    let gone = connection.gone().clone();
    let (inbox, inbound) = inbox(allowance);
    socket.extensions.insert(inbox);
    socket.extensions.insert(outlet.clone());
    let recovery = match session.filter(|_| handshake.recover) {
        Some(session) => connection.recover(&handshake.claim, &session.greeting).await,
        None => None,
    };
    let view = is_shown.then_some(view);
    let beginning = Box::new(Beginning { topics, recovery, view, previous });
    let standing = Box::new(standing);
    let ready = Ready { connection, inbound, beginning, standing };
    socket.extensions.insert(Waiting(Arc::new(Mutex::new(Some(ready)))));
    socket.on_fallback(async |_: Taken| {});
    socket.on_disconnect(Leaving { outlet, gone });
    Ok(())
}

/// What a client says of itself, which may be nothing, and what it joins at once.
fn understood<E>(
    handshake: Result<Option<Handshake>, E>,
) -> Result<(Handshake, Topics), Rejection> {
    let mut handshake = handshake
        .map_err(|_| Rejection::new(Code::MalformedMessage, "auth is an object with a token"))?
        .unwrap_or_default();
    let topics = handshake
        .take_topics()
        .map_err(|refusal| Rejection::new(refusal.code(), refusal.message()))?;
    Ok((handshake, topics))
}

/// The connection is this user's from here on, and one of so many.
fn confirmed(
    session: Option<&Arc<Session>>,
    users: &Users,
    identity: &Identity,
) -> Result<(), Rejection> {
    if session.is_some_and(|session| !session.confirm(users, &identity.user)) {
        limit_hit("sockets_per_user");
        let message = "this user has too many sockets; close some";
        return Err(Rejection::new(Code::TooManyConnections, message));
    }
    Ok(())
}

/// Who shows a token, in `auth` or in the header.
async fn identified(
    state: &AppState,
    handshake: &Handshake,
    headers: &http::HeaderMap,
) -> Result<Identity, Rejection> {
    let token = handshake
        .token
        .as_deref()
        .or_else(|| headers.get(http::header::AUTHORIZATION)?.to_str().ok().and_then(bearer));
    state.auth.identify(token).await.map_err(|error| {
        let code = error.code();
        Rejection::new(code, code.entry().cause)
    })
}

/// Asks the core whether the user is let in, and to which rooms. While it does not answer nothing can be
/// joined either, so the question stays open: who was turned away for that would not come back by itself.
async fn admitted(
    state: &AppState,
    identity: &Identity,
    (rooms, trace): (&[&str], TraceContext),
) -> Result<(Standing, View), Rejection> {
    let session = Arc::clone(identity.session());
    let hold = |room: &&str| {
        let topic = format!("room:{room}");
        let hold = state.rights.hold(&session, Some(&topic));
        (topic, hold)
    };
    let holds = rooms.iter().map(hold).collect();
    let mut standing = Standing::new(Arc::clone(&session), &state.rights, state.upstream.clone());
    let readable = standing.check(rooms, trace.child()).await;
    let readable =
        readable.map_err(|Refused { code, .. }| Rejection::new(code, code.entry().cause))?;
    Ok((standing, View { readable, holds, cursors: BTreeMap::new() }))
}

/// Runs after the CONNECT reply, for as long as the socket lives.
pub(super) async fn connected(Extension(waiting): Extension<Waiting>) {
    let ready = waiting.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(Ready { connection, inbound, beginning, standing }) = ready {
        connection.run(inbound, beginning, standing).await;
    }
}
