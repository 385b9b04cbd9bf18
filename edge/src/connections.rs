//! Who is connected: for whoever tells of it, ends one, or waits for all to go. What serves a socket stands
//! above; here it is only what it is asked.

use std::{
    collections::HashMap,
    fmt::Debug,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;

/// All connected sockets of this edge. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Connections(Arc<Mutex<HashMap<String, Arc<dyn Entry>>>>);

/// A connected socket, to those who do not serve it.
pub(crate) trait Entry: Debug + Send + Sync {
    /// Our own id of it.
    fn id(&self) -> &str;

    /// Whether it is a user's of this tenant.
    fn is_of(&self, tenant: &str) -> bool;

    /// The name of its namespace.
    fn namespace(&self) -> &'static str;

    /// Whether its client polls.
    fn is_polling(&self) -> bool;

    /// All that operators see of it.
    fn info(&self) -> ConnectionInfo;

    /// Has it ended by an operator's word.
    fn end(&self);
}

/// One connected socket, as operators see it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ConnectionInfo {
    /// Our own id. Engine.IO's would let whoever sees it speak as this user.
    pub id: String,
    /// The namespace: a client may be in each.
    pub namespace: &'static str,
    /// Who.
    pub user_id: String,
    /// Tenant of the user.
    pub tenant: String,
    /// Roles of the user.
    pub roles: Vec<String>,
    /// Where the client is.
    pub address: Option<IpAddr>,
    /// `websocket` or `polling`.
    pub transport: &'static str,
    /// Bytes that wait for the client to take them.
    pub waiting_bytes: usize,
    /// Since when, RFC 3339.
    pub connected_at: String,
    /// Topics joined.
    pub topics: Vec<String>,
}

impl Connections {
    /// How many are connected.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether nobody is connected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every connection, in no order.
    #[must_use]
    pub fn list(&self) -> Vec<ConnectionInfo> {
        let all: Vec<_> = self.lock().values().cloned().collect();
        all.iter().map(|connection| connection.info()).collect()
    }

    /// A connection of a tenant.
    #[must_use]
    pub fn find(&self, tenant: &str, id: &str) -> Option<ConnectionInfo> {
        self.get(tenant, id).map(|connection| connection.info())
    }

    /// Has a connection of a tenant ended. Answers whether there is one.
    #[must_use]
    pub fn disconnect(&self, tenant: &str, id: &str) -> bool {
        self.get(tenant, id).inspect(|connection| connection.end()).is_some()
    }

    /// Looks at every connection of a tenant, in no order.
    pub(crate) fn each(&self, tenant: &str, mut look: impl FnMut(&dyn Entry)) {
        let all: Vec<_> = self.lock().values().cloned().collect();
        all.iter().filter(|connection| connection.is_of(tenant)).for_each(|one| look(&**one));
    }

    /// One has come.
    pub(crate) fn add(&self, connection: Arc<dyn Entry>) {
        let mut all = self.lock();
        all.insert(connection.id().to_owned(), connection);
        metrics::gauge!("roomcast_edge_sockets").set(crate::gauge(all.len()));
    }

    /// The one with this id has gone.
    pub(crate) fn remove(&self, id: &str) {
        let mut all = self.lock();
        all.remove(id);
        metrics::gauge!("roomcast_edge_sockets").set(crate::gauge(all.len()));
    }

    fn get(&self, tenant: &str, id: &str) -> Option<Arc<dyn Entry>> {
        let connection = self.lock().get(id).cloned();
        connection.filter(|connection| connection.is_of(tenant))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<dyn Entry>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
