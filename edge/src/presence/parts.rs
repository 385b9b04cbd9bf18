//! Who is connected to this edge, divided into the parts in which the core is told: one that changes is
//! told whole, so that nothing told is ever a difference to something that was lost.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use roomcast_proto::v1::{Connection, ConnectionPart};

use crate::connections::ConnectionInfo;

/// The contract's number of parts: with 20,000 connections, some eighty in each.
const PARTS: usize = 256;
/// Ids of jobs that are told of one connection. A page shows one or a few; beyond it is their number.
const JOBS_TOLD_MAX: usize = 20;
const JOB: &str = "job:";

/// What the core was told.
#[derive(Debug)]
pub(super) struct Parts(Vec<Told>);

#[derive(Debug, Clone, Copy, Default)]
struct Told {
    /// Of the connections in the part; 0 of none.
    fingerprint: u64,
    /// Whether the core may know something else.
    is_doubted: bool,
}

/// A part as it is.
#[derive(Debug)]
pub(super) struct Part {
    number: usize,
    fingerprint: u64,
    connections: Vec<Connection>,
}

impl Default for Parts {
    fn default() -> Self {
        Self(vec![Told::default(); PARTS])
    }
}

impl Parts {
    /// The parts to be told.
    pub(super) fn changed(&self, all: Vec<Part>) -> Vec<Part> {
        let is_news = |part: &Part| {
            let Told { fingerprint, is_doubted } = self.0[part.number];
            part.fingerprint != fingerprint || (is_doubted && fingerprint != 0)
        };
        all.into_iter().filter(is_news).collect()
    }

    /// The core was told.
    pub(super) fn told(&mut self, part: &Part) {
        self.0[part.number] = Told { fingerprint: part.fingerprint, is_doubted: false };
    }

    /// The core was told, and has not answered: it may know this or what it knew before.
    pub(super) fn unanswered(&mut self, part: &Part) {
        // In doubt only a part that was told as empty is not told again.
        self.0[part.number] = Told { fingerprint: part.fingerprint.max(1), is_doubted: true };
    }

    /// Nobody knows what the core knows.
    pub(super) fn doubt(&mut self) {
        self.0.iter_mut().for_each(|told| told.is_doubted = true);
    }
}

impl Part {
    /// All connections, divided.
    pub(super) fn divide(mut list: Vec<ConnectionInfo>) -> Vec<Self> {
        list.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        let mut parts: Vec<Self> = (0..PARTS)
            .map(|number| Self { number, fingerprint: 0, connections: Vec::new() })
            .collect();
        for info in list {
            let number = usize::try_from(hash(&info.id) % PARTS as u64).unwrap_or(0);
            parts[number].connections.push(connection(info));
        }
        for part in &mut parts {
            part.fingerprint = fingerprint(&part.connections);
        }
        parts
    }

    pub(super) fn message(&self) -> ConnectionPart {
        let part = u32::try_from(self.number).unwrap_or(0);
        ConnectionPart { part, connections: self.connections.clone() }
    }
}

fn connection(info: ConnectionInfo) -> Connection {
    let jobs: Vec<_> = info.topics.iter().filter_map(|topic| topic.strip_prefix(JOB)).collect();
    Connection {
        watching_jobs: u32::try_from(jobs.len()).unwrap_or(u32::MAX),
        job_ids: jobs.into_iter().take(JOBS_TOLD_MAX).map(str::to_owned).collect(),
        connection_id: info.id,
        user_id: info.user_id,
        tenant: info.tenant,
        connected_at: info.connected_at,
        namespace: info.namespace.to_owned(),
        transport: info.transport.to_owned(),
    }
}

fn fingerprint(connections: &[Connection]) -> u64 {
    if connections.is_empty() {
        return 0;
    }
    let mut hasher = DefaultHasher::new();
    for Connection { connection_id, watching_jobs, job_ids, transport, .. } in connections {
        // All else stays as it was when the client came.
        (connection_id, watching_jobs, job_ids, transport).hash(&mut hasher);
    }
    hasher.finish().max(1)
}

fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(id: usize, topics: &[&str]) -> ConnectionInfo {
        let topics = topics.iter().map(|topic| (*topic).to_owned()).collect();
        ConnectionInfo { id: format!("c{id}"), topics, ..ConnectionInfo::default() }
    }

    fn crowd(count: usize) -> Vec<ConnectionInfo> {
        (0..count).map(|id| info(id, &[])).collect()
    }

    fn tell(parts: &mut Parts, list: Vec<ConnectionInfo>) -> usize {
        let changed = parts.changed(Part::divide(list));
        changed.iter().for_each(|part| parts.told(part));
        changed.iter().map(|part| part.message().connections.len()).sum()
    }

    #[test]
    fn a_part_that_changes_is_told_whole_and_no_other_is() {
        let mut parts = Parts::default();
        assert_eq!(tell(&mut parts, crowd(2000)), 2000);
        assert_eq!(tell(&mut parts, crowd(2000)), 0);
        let mut list = crowd(2000);
        list[7].topics = vec!["job:1".to_owned(), "room:open".to_owned()];
        let part = Part::divide(list.clone()).remove(usize::try_from(hash("c7") % 256).unwrap());
        assert_eq!(tell(&mut parts, list), part.connections.len());
        let told = part.connections.iter().find(|one| one.connection_id == "c7").unwrap();
        assert_eq!((told.watching_jobs, &told.job_ids[..]), (1, &["1".to_owned()][..]));
    }

    #[test]
    fn in_doubt_what_was_told_is_told_again_also_that_nobody_is_left() {
        let mut parts = Parts::default();
        tell(&mut parts, crowd(1));
        parts.doubt();
        let changed = parts.changed(Part::divide(crowd(1)));
        assert_eq!(changed.len(), 1);
        let changed = parts.changed(Part::divide(Vec::new()));
        assert_eq!(changed.len(), 1, "one is empty, and the others always were");
        assert!(changed[0].connections.is_empty());
    }

    #[test]
    fn what_was_not_answered_is_told_again_also_when_it_is_as_it_was() {
        for before in [crowd(0), crowd(1)] {
            for between in [crowd(0), vec![info(0, &["job:1"])]] {
                let mut parts = Parts::default();
                tell(&mut parts, before.clone());
                let sent = parts.changed(Part::divide(between));
                sent.iter().for_each(|part| parts.unanswered(part));
                let again = parts.changed(Part::divide(before.clone()));
                assert_eq!(again.len(), sent.len());
                again.iter().for_each(|part| parts.told(part));
                assert!(parts.changed(Part::divide(before.clone())).is_empty());
            }
        }
    }

    #[test]
    fn the_largest_edge_fits() {
        let largest = Part::divide(crowd(100_000)).into_iter().map(|part| part.connections.len());
        assert!(largest.max() < Some(1000), "the contract's limit of one part");
    }
}
