//! Merged rooms: of each event type only the newest value counts, and at most ten a second are logged.
//!
//! A room and an event type are a lane. The first value of a quiet lane is committed at once. What comes
//! within the interval after it waits, the newest in place of the one before, and is committed when the
//! interval is over. A publisher is answered when its value, or the newer one that took its place, is
//! durable: with that event's cursor. So nothing is acknowledged that a crash could lose, and a
//! publisher that was answered before another began is never after it in the log.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::domain::cursor::Cursor;
use crate::domain::event::{Body, NewEvent};
use crate::domain::room::{Merge, Rooms};
use crate::domain::topic::{Kind, Topic};
use crate::domain::trace::TraceId;
use crate::log::Log;
use crate::store::Error;
use crate::store::commit::{Action, Command, Committed};

/// Between two events of a lane: as often as a job's progress, what a browser can show.
const INTERVAL: Duration = Duration::from_millis(100);
/// Publishers that wait, of all lanes: as many as commands may wait for the writer.
const PUBLISHERS_MAX: usize = 8192;
/// Bytes of values that wait, of all lanes: half of what may wait for the writer, whose queue they must
/// not fill on their own.
const BYTES_MAX: usize = 8 << 20;

/// Takes the publishing of merged rooms. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Merger {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    log: Log,
    rooms: Arc<Rooms>,
    lanes: Mutex<Lanes>,
}

/// The lanes that are not quiet, and what they hold together.
#[derive(Debug, Default)]
struct Lanes {
    waiting: HashMap<Lane, Waiting>,
    publishers: usize,
    bytes: usize,
}

/// A room and an event type.
type Lane = (Topic, Arc<str>);

/// What waits for a lane's next commit. Empty while only the interval passes.
#[derive(Debug, Default)]
struct Waiting {
    newest: Option<Value>,
    publishers: Vec<Publisher>,
}

#[derive(Debug)]
struct Value {
    event: NewEvent,
    trace: Option<TraceId>,
}

type Publisher = oneshot::Sender<Result<Cursor, Error>>;

impl Merger {
    /// Merges those of the rooms that are to be, of every tenant.
    pub(super) fn new(log: Log, rooms: Arc<Rooms>) -> Merger {
        Merger { inner: Arc::new(Inner { log, rooms, lanes: Mutex::default() }) }
    }

    /// Whether a topic's events are merged.
    pub(super) fn merges(&self, topic: &Topic) -> bool {
        let room = self.inner.rooms.get(topic.name()).filter(|_| topic.kind() == Kind::Room);
        room.is_some_and(|room| room.merge == Merge::LastValue)
    }

    /// Publishes a value. Answers where it, or the newer one that took its place, stands.
    pub(super) async fn publish(
        &self,
        topic: Topic,
        event: NewEvent,
        trace: Option<TraceId>,
    ) -> Result<Cursor, Error> {
        let (publisher, answer) = oneshot::channel();
        let lane = (topic, event.kind.clone());
        let is_quiet = self.inner.lanes().enter(&lane, Value { event, trace }, publisher)?;
        if is_quiet {
            // On its own: the lane goes on when the publisher that woke it hangs up.
            tokio::spawn(run(Arc::clone(&self.inner), lane));
        }
        answer.await.unwrap_or_else(|_| Err(Error::Unavailable("the core is ending".into())))
    }
}

/// Commits what waits in a lane, at most once an interval, until it is quiet.
async fn run(inner: Arc<Inner>, lane: Lane) {
    loop {
        let Some((value, publishers)) = inner.lanes().take(&lane) else { return };
        let outcome = inner.commit(lane.0.clone(), value).await;
        for publisher in publishers {
            // Whoever asked may have gone.
            let _ = publisher.send(outcome.clone());
        }
        // From the answer on: from the beginning, a slow commit and a quick one would be nearer in the log.
        tokio::time::sleep(INTERVAL).await;
    }
}

impl Inner {
    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn commit(&self, topic: Topic, value: Value) -> Result<Cursor, Error> {
        let Value { event, trace } = value;
        let action = Action::Publish { topic, events: vec![event], expected_offset: None };
        let committed = self.log.commit(Command { action, idempotency: None, trace }).await?;
        let Committed::Published { cursors, .. } = committed else {
            return Err(Error::Damaged("a cursor was expected".into()));
        };
        cursors.first().copied().ok_or_else(|| Error::Damaged("a cursor was expected".into()))
    }
}

impl Lanes {
    /// Puts a value in place of the one that waits. Says whether the lane was quiet.
    fn enter(&mut self, lane: &Lane, value: Value, publisher: Publisher) -> Result<bool, Error> {
        let replaced = self.waiting.get(lane).and_then(|waiting| waiting.newest.as_ref());
        let bytes = self.bytes + value.bytes() - replaced.map_or(0, Value::bytes);
        if self.publishers >= PUBLISHERS_MAX || bytes > BYTES_MAX {
            return Err(Error::Overloaded);
        }
        self.publishers += 1;
        self.bytes = bytes;
        let (waiting, is_quiet) = match self.waiting.entry(lane.clone()) {
            Entry::Occupied(known) => (known.into_mut(), false),
            Entry::Vacant(new) => (new.insert(Waiting::default()), true),
        };
        waiting.newest = Some(value);
        waiting.publishers.push(publisher);
        Ok(is_quiet)
    }

    /// What waits in a lane, to be committed. Nothing: the lane is quiet from here on.
    fn take(&mut self, lane: &Lane) -> Option<(Value, Vec<Publisher>)> {
        let waiting = self.waiting.get_mut(lane)?;
        let Some(value) = waiting.newest.take() else {
            self.waiting.remove(lane);
            return None;
        };
        let publishers = std::mem::take(&mut waiting.publishers);
        self.publishers -= publishers.len();
        self.bytes -= value.bytes();
        Some((value, publishers))
    }
}

impl Value {
    fn bytes(&self) -> usize {
        let Body::Payload(payload) = &self.event.body else { return 0 };
        payload.data.len()
    }
}
