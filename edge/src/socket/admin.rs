//! `/admin`: what the published web app of `@socket.io/admin-ui` is told of an edge, in its production mode
//! and read-only: counts, every two seconds, of the operator's own tenant. It asks for a name and a
//! password, which here are a user's id and token.

mod census;

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use roomcast_runtime::trace::TraceContext;
use serde::{Deserialize, Serialize};
use socketioxide::extract::{Extension, SocketRef, State, TryData};
use tokio::{
    sync::OnceCell,
    task::spawn_blocking,
    time::{Instant, sleep_until},
};

use self::census::{Census, stats};
use super::{
    adapter::RawAdapter,
    transport::{Seat, Session, Users},
};
use crate::{
    auth::{Identity, Notice, Standing},
    connections::Connections,
    state::AppState,
};

/// Its name in the app's own settings.
pub(super) const NAMESPACE: &str = "/admin";
/// How often the app's own servers tell it.
const INTERVAL: Duration = Duration::from_secs(2);
/// Apps at once: each is told at each interval.
const APPS_MAX: usize = 16;
/// All that the app is offered: none of what acts.
const FEATURES: [&str; 1] = ["AGGREGATED_EVENTS"];

/// What the app's sockets come in by. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Doorway {
    state: AppState,
    users: Users,
    watched: Watched,
}

/// This edge, as the app tells edges apart. Cheap to clone.
#[derive(Debug, Clone)]
struct Watched(Arc<Edge>);

#[derive(Debug)]
struct Edge {
    id: String,
    since: Instant,
    apps: AtomicUsize,
    /// By tenant, no older than an interval.
    counted: Mutex<HashMap<String, Counted>>,
}

/// The census of one interval, for all apps of a tenant.
#[derive(Debug)]
struct Counted {
    since: Instant,
    census: Arc<OnceCell<Arc<Census>>>,
}

/// What the app sends when it connects.
#[derive(Default, Deserialize)]
pub(super) struct Credentials {
    token: Option<String>,
    username: Option<String>,
    password: Option<String>,
}

/// Nobody who may look. The app knows these words, and asks again.
#[derive(Debug)]
pub(super) struct Invalid;

impl fmt::Display for Invalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("invalid credentials")
    }
}

/// Who looks, until the CONNECT reply is on its way.
#[derive(Debug, Clone)]
pub(super) struct Waiting(Arc<Mutex<Option<App>>>);

/// An app that looks.
#[derive(Debug)]
struct App {
    tenant: String,
    standing: Standing,
    _seat: Option<Seat>,
    _place: Place,
}

/// A place among the apps, given back when it is dropped.
#[derive(Debug)]
struct Place(Watched);

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    supported_features: [&'static str; 1],
}

impl Doorway {
    pub(super) fn new(state: AppState, users: Users) -> Self {
        Self { state, users, watched: Watched::new() }
    }
}

impl Watched {
    fn new() -> Self {
        let id = uuid::Uuid::new_v4().simple().to_string();
        let (apps, counted) = (AtomicUsize::new(0), Mutex::default());
        Self(Arc::new(Edge { id, since: Instant::now(), apps, counted }))
    }

    /// A tenant's connections, counted once an interval however many apps look, and not on a thread that
    /// serves sockets.
    async fn census(&self, connections: &Connections, tenant: &str) -> Arc<Census> {
        let kept = self.kept(tenant, Instant::now());
        let count = || async {
            let (connections, tenant) = (connections.clone(), tenant.to_owned());
            let counting = spawn_blocking(move || connections.census(&tenant));
            // Without it the app is told of nobody, until the next interval.
            Arc::new(counting.await.unwrap_or_default())
        };
        Arc::clone(kept.get_or_init(count).await)
    }

    fn kept(&self, tenant: &str, now: Instant) -> Arc<OnceCell<Arc<Census>>> {
        let mut counted = self.0.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted.retain(|_, one| now.duration_since(one.since) < INTERVAL);
        let fresh = || Counted { since: now, census: Arc::default() };
        Arc::clone(&counted.entry(tenant.to_owned()).or_insert_with(fresh).census)
    }

    fn place(&self) -> Option<Place> {
        let more = |apps: usize| (apps < APPS_MAX).then_some(apps + 1);
        let taken = self.0.apps.fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
        taken.is_ok().then(|| Place(self.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.apps.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Credentials {
    /// The token, and whose it must be.
    fn shown(&self) -> (Option<&str>, Option<&str>) {
        match (&self.token, &self.password) {
            (Some(token), _) => (Some(token), None),
            (None, password) => {
                let given = |text: &'_ &str| !text.is_empty();
                (password.as_deref().filter(given), self.username.as_deref().filter(given))
            }
        }
    }
}

/// Runs before the CONNECT reply.
pub(super) async fn authenticate(
    socket: SocketRef<RawAdapter>,
    TryData(credentials): TryData<Option<Credentials>>,
    State(doorway): State<Doorway>,
) -> Result<(), Invalid> {
    let credentials = credentials.ok().flatten().unwrap_or_default();
    let identity = identified(&doorway.state, &credentials).await.ok_or(Invalid)?;
    let user = &identity.user;
    let session = socket.req_parts().extensions.get::<Arc<Session>>();
    if session.is_some_and(|session| !session.confirm(&doorway.users, user)) {
        return Err(Invalid);
    }
    let (rights, upstream) = (&doorway.state.rights, doorway.state.upstream.clone());
    let mut standing = Standing::new(Arc::clone(identity.session()), rights, upstream);
    let trace = TraceContext::from_headers(&socket.req_parts().headers);
    standing.check(&[], trace.child()).await.map_err(|_| Invalid)?;
    let place = doorway.watched.place().ok_or(Invalid)?;
    let seat = session.map(Session::seat);
    let app = App { tenant: user.tenant.clone(), standing, _seat: seat, _place: place };
    socket.extensions.insert(Waiting(Arc::new(Mutex::new(Some(app)))));
    Ok(())
}

/// An operator, or an auditor: the app has nothing to act with.
async fn identified(state: &AppState, credentials: &Credentials) -> Option<Identity> {
    let (token, name) = credentials.shown();
    let identity = state.auth.identify(token).await.ok()?;
    let user = &identity.user;
    let is_named = name.is_none_or(|name| name == user.id);
    (is_named && (user.is_admin() || user.is_auditor())).then_some(identity)
}

/// Runs after the CONNECT reply, for as long as the socket lives.
pub(super) async fn connected(
    socket: SocketRef<RawAdapter>,
    State(doorway): State<Doorway>,
    Extension(waiting): Extension<Waiting>,
) {
    let app = waiting.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(mut app) = app else { return };
    // What finds its queue full is told at the next interval.
    let _ = socket.emit("config", &Config { supported_features: FEATURES });
    let mut known = HashSet::new();
    let mut next = Instant::now();
    while socket.connected() {
        tokio::select! {
            notice = app.standing.next() => {
                if !stays(&mut app.standing, notice).await {
                    // Gone already: then nobody is to be told.
                    let _ = socket.disconnect();
                    return;
                }
            }
            () = doorway.state.draining.cancelled() => return,
            () = sleep_until(next) => {
                let connections = &doorway.state.connections;
                let census = doorway.watched.census(connections, &app.tenant).await;
                let _ = socket.emit("server_stats", &stats(&doorway.watched, &census, &mut known));
                next = Instant::now() + INTERVAL;
            }
        }
    }
}

/// Whether the app may go on looking.
async fn stays(standing: &mut Standing, notice: Notice) -> bool {
    match notice {
        Notice::Expiring(_) => true,
        Notice::Expired => false,
        Notice::Doubtful => standing.check(&[], TraceContext::generate()).await.is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(auth: &str) -> (Option<String>, Option<String>) {
        let credentials: Credentials = serde_json::from_str(auth).unwrap();
        let (token, name) = credentials.shown();
        (token.map(str::to_owned), name.map(str::to_owned))
    }

    #[test]
    fn a_password_is_a_token_of_the_user_that_is_named() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(shown(r#"{"token":"t"}"#), (some("t"), None));
        assert_eq!(shown(r#"{"username":"root","password":"t"}"#), (some("t"), some("root")));
        assert_eq!(shown(r#"{"username":"","password":""}"#), (None, None));
        assert_eq!(shown(r#"{"username":"root","password":""}"#), (None, some("root")));
        assert_eq!(shown(r#"{"sessionId":"s"}"#), (None, None));
    }

    #[test]
    fn there_are_places_for_a_few_apps_and_each_is_given_back() {
        let watched = Watched::new();
        let places: Vec<_> = std::iter::from_fn(|| watched.place()).collect();
        assert_eq!(places.len(), APPS_MAX);
        drop(places);
        assert!(watched.place().is_some());
    }

    #[tokio::test]
    async fn apps_of_a_tenant_share_a_census_for_an_interval() {
        let (watched, connections) = (Watched::new(), Connections::default());
        let count = |tenant| watched.census(&connections, tenant);
        let (one, other) = tokio::join!(count("acme"), count("acme"));
        assert!(Arc::ptr_eq(&one, &other), "counted once for both");
        assert!(Arc::ptr_eq(&one, &count("acme").await));
        assert!(!Arc::ptr_eq(&one, &count("evil").await));
        let later = watched.kept("acme", Instant::now() + INTERVAL);
        assert!(!later.initialized(), "counted anew");
    }
}
