//! What the app is told: a tenant's connections, counted.

use std::{
    collections::{BTreeMap, HashSet},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Serialize;

use super::Watched;
use crate::{connections::Connections, lane::Namespace};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServerStats<'a> {
    server_id: &'a str,
    hostname: &'a str,
    pid: u32,
    /// Seconds.
    uptime: f64,
    clients_count: usize,
    polling_clients_count: usize,
    aggregated_events: Vec<Aggregate>,
    namespaces: Vec<Count>,
}

/// How often something happened since the app was told last.
#[derive(Debug, Serialize)]
struct Aggregate {
    /// Milliseconds since 1970.
    timestamp: u64,
    r#type: &'static str,
    count: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Count {
    name: &'static str,
    sockets_count: usize,
}

/// The connections of a tenant, counted.
#[derive(Debug, Default)]
pub(super) struct Census {
    ids: HashSet<String>,
    polling: usize,
    namespaces: BTreeMap<&'static str, usize>,
}

impl Census {
    fn count(&mut self, id: &str, namespace: &'static str, is_polling: bool) {
        self.ids.insert(id.to_owned());
        self.polling += usize::from(is_polling);
        *self.namespaces.entry(namespace).or_default() += 1;
    }
}

impl Connections {
    pub(super) fn census(&self, tenant: &str) -> Census {
        let mut census = Census::default();
        self.each(tenant, |one| census.count(one.id(), one.namespace(), one.is_polling()));
        census
    }
}

/// What the app is told now. `known` are the connections that it was told of last.
pub(super) fn stats<'a>(
    Watched(edge): &'a Watched,
    census: &Census,
    known: &mut HashSet<String>,
) -> ServerStats<'a> {
    let timestamp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let timestamp = timestamp.as_secs() * 1000;
    let came = census.ids.difference(known).count();
    let went = known.difference(&census.ids).count();
    let aggregates = [("rawConnection", came), ("rawDisconnection", went)];
    known.clone_from(&census.ids);
    ServerStats {
        server_id: &edge.id,
        hostname: &edge.id,
        pid: std::process::id(),
        uptime: edge.since.elapsed().as_secs_f64(),
        clients_count: census.ids.len(),
        polling_clients_count: census.polling,
        aggregated_events: aggregates
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(r#type, count)| Aggregate { timestamp, r#type, count })
            .collect(),
        namespaces: Namespace::ALL
            .iter()
            .map(|namespace| {
                let name = namespace.name();
                let sockets_count = census.namespaces.get(name).copied().unwrap_or(0);
                Count { name, sockets_count }
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_and_went_is_told_once() {
        let (watched, mut known) = (Watched::new(), HashSet::new());
        let census = |ids: &[&str]| {
            let mut census = Census::default();
            ids.iter().for_each(|id| census.count(id, "/", *id == "polls"));
            census
        };
        let told = |census: &Census, known: &mut HashSet<String>| {
            let stats = stats(&watched, census, known);
            let events = stats.aggregated_events.iter();
            let events: Vec<_> = events.map(|one| (one.r#type, one.count)).collect();
            (stats.clients_count, stats.polling_clients_count, events)
        };
        assert_eq!(told(&census(&["a", "polls"]), &mut known), (2, 1, vec![("rawConnection", 2)]));
        assert_eq!(told(&census(&["a", "polls"]), &mut known), (2, 1, vec![]));
        let (came, went) = (("rawConnection", 1), ("rawDisconnection", 2));
        assert_eq!(told(&census(&["b"]), &mut known), (1, 0, vec![came, went]));
    }
}
