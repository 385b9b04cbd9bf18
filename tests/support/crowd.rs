//! Many sockets held by this process, each an application that remembers its cursor and comes back.
//!
//! All follow one topic. What a socket receives is recorded whole, as runs over the [`Sights`] that all
//! share: thousands of histories that are equal cost one, and the checker judges each distinct one.

mod comeback;
mod member;
mod sights;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

pub(crate) use self::comeback::Comeback;
use self::member::{Member, Record};
use self::sights::Sights;
use super::credential::{Token, admin};
use super::eventually::within;
use crate::checker::Stream;

/// All sockets are connected, or back, or at the head: however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(120);

/// So many sockets are described where they are not as wanted.
const TOLD_OF: usize = 8;

/// How the sockets of a crowd live.
#[derive(Debug, Clone)]
pub(crate) struct Manner {
    /// Where they connect.
    pub(crate) door: SocketAddr,
    /// The room that they follow.
    pub(crate) topic: String,
    /// The offset and cursor that they begin after.
    pub(crate) after: (u64, String),
    pub(crate) comeback: Comeback,
    /// Bytes that the kernel keeps for a socket that does not read; the kernel's own choice if none.
    pub(crate) receive_buffer: Option<u32>,
}

/// The sockets. They end when this is dropped.
#[derive(Debug)]
pub(crate) struct Crowd {
    manner: Manner,
    sights: Arc<Sights>,
    members: Vec<Arc<Member>>,
    _tasks: JoinSet<()>,
}

impl Crowd {
    /// Connects so many sockets and waits until all are greeted.
    pub(crate) async fn gather(count: usize, manner: Manner) -> Crowd {
        let sights = Arc::new(Sights::default());
        let token: Token = admin("crowd");
        let mut tasks = JoinSet::new();
        let members: Vec<Arc<Member>> = (0..count).map(|_| Arc::default()).collect();
        for member in &members {
            let (member, sights) = (member.clone(), sights.clone());
            tasks.spawn(member::live(member, sights, manner.clone(), token.clone()));
        }
        let crowd = Crowd { manner, sights, members, _tasks: tasks };
        crowd.all("connected", |record| record.greetings > 0).await;
        crowd
    }

    /// Waits until every socket's record is as wanted.
    pub(crate) async fn all(&self, what: &str, wanted: impl Fn(&Record) -> bool) {
        within(PATIENCE, &format!("all {} sockets are {what}", self.members.len()), async || {
            self.members.iter().all(|member| wanted(&member.record())).then_some(())
        })
        .await;
    }

    /// Waits until every socket has the event of this cursor.
    pub(crate) async fn all_at(&self, cursor: &str) {
        self.all("at the head", |record| {
            record.place().is_some_and(|place| self.sights.is(place, cursor))
        })
        .await;
    }

    /// Whether every socket has the event of this cursor, and maybe later ones.
    pub(crate) fn are_past(&self, cursor: &str) -> bool {
        let Some(wanted) = self.sights.find(cursor) else { return false };
        self.count(|record| record.place().is_some_and(|place| place >= wanted))
            == self.members.len()
    }

    /// Of those that are not let in or not at the event of this cursor, how many they are and how the
    /// first few stand.
    pub(crate) fn stragglers(&self, cursor: &str) -> String {
        let wanted = self.sights.find(cursor);
        let is_behind = |record: &Record| !record.is_in || record.place() < wanted;
        let behind = self.members.iter().enumerate().filter(|(_, one)| is_behind(&one.record()));
        let behind: Vec<_> = behind.collect();
        let known = if wanted.is_some() { "known" } else { "known to no socket" };
        let mut account = format!(
            "{} of {} sockets are not at {cursor} of {}, which is {known}",
            behind.len(),
            self.members.len(),
            self.manner.topic
        );
        for (number, member) in behind.into_iter().take(TOLD_OF) {
            let record = member.record();
            let cursor = record.place().map(|place| self.sights.cursor(place));
            account += &format!("\nsocket {number}, at {cursor:?}: {}", record.state());
        }
        account
    }

    /// How many of the sockets are as wanted.
    pub(crate) fn count(&self, wanted: impl Fn(&Record) -> bool) -> usize {
        self.members.iter().filter(|member| wanted(&member.record())).count()
    }

    /// No socket reads any more, whatever is sent to it.
    pub(crate) fn stop_reading(&self) {
        self.members.iter().for_each(|member| member.reads(false));
    }

    pub(crate) fn read_again(&self) {
        self.members.iter().for_each(|member| member.reads(true));
    }

    /// Every socket's silence is measured from here on.
    pub(crate) fn listen_closely(&self) {
        self.members.iter().for_each(|member| member.record().listen_closely());
    }

    /// The longest that any socket was without data.
    pub(crate) fn longest_silence(&self) -> Duration {
        let silences = self.members.iter().map(|member| member.record().longest_silence());
        silences.max().unwrap_or_default()
    }

    /// How many events all sockets have received together.
    pub(crate) fn received(&self) -> usize {
        self.members.iter().map(|member| member.record().received()).sum()
    }

    /// What sockets were told that was no event of the topic.
    pub(crate) fn told(&self) -> Vec<String> {
        self.members.iter().flat_map(|member| member.record().told.clone()).collect()
    }

    /// Each distinct history among the sockets', followed to the end.
    pub(crate) fn streams(&self) -> Vec<Stream> {
        let mut distinct: BTreeMap<Vec<(u32, u32)>, (usize, usize)> = BTreeMap::new();
        for (number, member) in self.members.iter().enumerate() {
            let runs = member.record().runs();
            distinct.entry(runs).or_insert((number, 0)).1 += 1;
        }
        let streams = distinct.into_iter().map(|(runs, (first, count))| Stream {
            who: format!("socket {first} and {} more alike", count - 1),
            topic: self.manner.topic.clone(),
            after: Some(self.manner.after.0),
            entries: runs
                .into_iter()
                .flat_map(|(first, count)| first..first + count)
                .map(|place| self.sights.entry(place))
                .collect(),
            is_complete: true,
        });
        streams.collect()
    }
}
