//! The log: commits go in here and nowhere else, and come out on the bus; what they come to is read here.

mod turns;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use self::turns::Turns;
use crate::alarm::Alarm;
use crate::bus::pulse::{Beats, Pulse};
use crate::bus::redis::Outgoing;
use crate::bus::{Attachment, Bus};
use crate::domain::access;
use crate::domain::event::Linked;
use crate::domain::time::Time;
use crate::domain::topic::Topic;
use crate::snapshot::{self, Recent, Snapshot};
use crate::store::session::Outcome;
use crate::store::{Command, Committed, Error, Store, Stored, Tap};

pub(crate) use self::turns::Turn;

/// The core's clock. The only place that asks the machine for the time.
#[must_use]
pub fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// A deadline that is further away is found by the leader's own look.
const NEAR: Duration = Duration::from_secs(2);

/// The log of all topics.
#[derive(Debug, Clone)]
pub struct Log {
    store: Arc<dyn Store>,
    bus: Bus,
    alarm: Alarm,
    /// What other cores hear.
    outgoing: Option<Outgoing>,
    pulse: Pulse,
    recent: Recent,
    turns: Turns,
}

impl Log {
    /// What a store must be opened with for this log to hear of its commits. `hear` is told after the
    /// bus; it must not block.
    pub fn tap(bus: &Bus, hear: impl Fn(&[Linked]) + Send + Sync + 'static) -> Tap {
        let bus = bus.clone();
        Arc::new(move |events| {
            bus.publish(events);
            hear(events);
        })
    }

    /// The log over a store that was opened with [`Log::tap`] on the same bus.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, bus: Bus, alarm: Alarm) -> Log {
        let (pulse, recent) = (Pulse::default(), Recent::default());
        Log { store, bus, alarm, outgoing: None, pulse, recent, turns: Turns::default() }
    }

    /// The same log, of a core that may be one of several.
    #[must_use]
    pub fn telling(self, outgoing: Option<Outgoing>, pulse: Pulse) -> Log {
        Log { outgoing, pulse, ..self }
    }

    /// Commits a command: durable, and on the bus, when it returns.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn commit(&self, command: Command) -> Result<Committed, Error> {
        let committed = self.store.commit(command).await?;
        if let Committed::Job { record, .. } = &committed
            && let Some(deadline) = record.deadline()
        {
            self.alarm.set(deadline);
            if let Some(outgoing) = self.outgoing.as_ref().filter(|_| deadline <= now() + NEAR) {
                outgoing.deadline(deadline);
            }
        }
        Ok(committed)
    }

    /// Commits a command about a job; says also whether an earlier request with the same key had.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn commit_job(&self, command: Command) -> Result<(Stored, bool), Error> {
        match self.commit(command).await? {
            Committed::Job { record, cursor, is_replay } => {
                Ok((Stored { record, cursor }, is_replay))
            }
            Committed::Published { .. } | Committed::Access { .. } | Committed::Session { .. } => {
                Err(Error::Damaged("a job was expected".into()))
            }
        }
    }

    /// Commits a command about who may come in: the entry as it is, or was when it has gone, and the
    /// offset of the change that others hear of.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn commit_access(
        &self,
        command: Command,
    ) -> Result<(Option<access::Entry>, u64), Error> {
        match self.commit(command).await? {
            Committed::Access { entry, cursor } => {
                Ok((entry.map(|entry| *entry), cursor.map_or(0, |cursor| cursor.offset)))
            }
            Committed::Published { .. } | Committed::Job { .. } | Committed::Session { .. } => {
                Err(Error::Damaged("an entry was expected".into()))
            }
        }
    }

    /// Commits something about projects and sessions; says also whether an earlier request with the
    /// same key had.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn commit_session(&self, command: Command) -> Result<(Outcome, bool), Error> {
        match self.commit(command).await? {
            Committed::Session { outcome, is_replay } => Ok((*outcome, is_replay)),
            Committed::Published { .. } | Committed::Job { .. } | Committed::Access { .. } => {
                Err(Error::Damaged("a session was expected".into()))
            }
        }
    }

    /// Follows a topic's head.
    #[must_use]
    pub fn attach(&self, topic: &Topic) -> Attachment {
        self.bus.attach(topic)
    }

    /// Whoever follows a topic reads the log in turn with all who do, one step at a time.
    pub(crate) async fn turn(&self, topic: &Topic) -> Turn {
        self.turns.next(topic).await
    }

    /// The proofs that nothing is missed of who may come in. A core that cannot ask the store has none.
    #[must_use]
    pub fn beats(&self) -> Beats {
        self.pulse.beats()
    }

    /// A topic's state.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn snapshot(&self, topic: &Topic) -> Result<Snapshot, Error> {
        snapshot::read(self.store(), &self.recent, topic).await
    }

    /// All other reading goes straight to the store.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }
}
