//! Sessions that were read lately, kept as they stood: whoever joins next folds in what was committed
//! since, instead of reading a whole session again. Nothing here is the truth: what does not fold is
//! read anew.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru::LruCache;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::domain::cursor::{Cursor, Resume};
use crate::domain::event::{Body, Event};
use crate::domain::session::{Folded, Graph, Session, State};
use crate::domain::topic::{Kind, Topic};
use crate::store::session::Outline;
use crate::store::{Error, PageLimit, Store};

/// Memory of all sessions together: one of a hundred thousand nodes, or a dozen of ten thousand.
const RECENT_BYTES_MAX: u64 = 128 << 20;
/// A session that nobody has asked for in so long goes when another is asked for: most have been closed
/// or erased by then, and whoever joins one again can wait for the reading.
const RECENT_FOR: Duration = Duration::from_secs(10 * 60);
/// What a node takes besides its texts: maps of short texts are mostly room.
const NODE_BYTES: u64 = 800;
/// What a session takes besides its graphs.
const SESSION_BYTES: u64 = 4096;
/// More events are not folded in: reading most sessions is quicker.
const FOLDED_EVENTS_MAX: u64 = 5000;

/// A session as it stood at a cursor.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// The last event that is in it.
    pub cursor: Cursor,
    /// The session.
    pub state: State,
}

/// The sessions that were read lately. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Recent(Arc<Mutex<Kept>>);

#[derive(Debug)]
struct Kept {
    slots: LruCache<String, Weighed>,
    bytes: u64,
}

#[derive(Debug)]
struct Weighed {
    slot: Arc<Slot>,
    bytes: u64,
    asked_at: Instant,
}

#[derive(Debug)]
struct Slot {
    /// Who reads or folds; the others wait, and find it done.
    turn: Semaphore,
    known: Mutex<Option<Arc<Known>>>,
}

impl Default for Recent {
    fn default() -> Recent {
        Recent(Arc::new(Mutex::new(Kept { slots: LruCache::unbounded(), bytes: 0 })))
    }
}

impl Recent {
    /// A session as it stands; none where there is none.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn session(
        &self,
        store: &dyn Store,
        session_id: &str,
    ) -> Result<Option<Arc<Known>>, Error> {
        let slot = self.slot(session_id, Instant::now());
        let _turn = slot.turn.acquire().await.map_err(|_| Error::Unavailable("closed".into()))?;
        let Some(outline) = store.session(session_id).await? else {
            self.forget(session_id);
            return Ok(None);
        };
        // Taken out, so that nothing half-folded stays when the store cannot be read.
        let kept = slot.known().take();
        // The id of one that was erased may be another's.
        let is_same =
            |known: &Arc<Known>| known.state.session.created_at == outline.session.created_at;
        let kept = kept.filter(is_same);
        let known = match kept {
            Some(known) if known.cursor == outline.cursor => Some(known),
            Some(known) => fold(store, known, outline).await?,
            None => None,
        };
        let known = match known {
            Some(known) => Some(known),
            None => {
                let read = store.session_state(session_id).await?;
                read.map(|(cursor, state)| Arc::new(Known { cursor, state }))
            }
        };
        let Some(known) = known else {
            self.forget(session_id);
            return Ok(None);
        };
        slot.known().replace(known.clone());
        self.weigh(session_id, &slot, &known.state);
        Ok(Some(known))
    }

    fn slot(&self, session_id: &str, now: Instant) -> Arc<Slot> {
        let mut kept = self.kept();
        kept.forget_unasked(now);
        if let Some(weighed) = kept.slots.get_mut(session_id) {
            weighed.asked_at = now;
            return weighed.slot.clone();
        }
        let slot = Arc::new(Slot { turn: Semaphore::new(1), known: Mutex::default() });
        kept.bytes += SESSION_BYTES;
        let weighed = Weighed { slot: slot.clone(), bytes: SESSION_BYTES, asked_at: now };
        kept.slots.put(session_id.to_owned(), weighed);
        // Here too: where the store cannot be read, none comes so far as to be weighed.
        kept.make_room();
        slot
    }

    /// Notes what a session weighs, and lets go of those that were not asked for longest.
    fn weigh(&self, session_id: &str, slot: &Arc<Slot>, state: &State) {
        let graph = |graph: &Graph| graph.head.size.bytes + graph.head.size.nodes * NODE_BYTES;
        let bytes = SESSION_BYTES + state.graphs.values().map(graph).sum::<u64>();
        if bytes > RECENT_BYTES_MAX {
            return self.forget(session_id);
        }
        let mut kept = self.kept();
        // It may have been let go while it was read.
        let Some(weighed) = kept.slots.peek_mut(session_id) else { return };
        if !Arc::ptr_eq(&weighed.slot, slot) {
            return;
        }
        let before = std::mem::replace(&mut weighed.bytes, bytes);
        kept.bytes = kept.bytes + bytes - before;
        kept.make_room();
    }

    fn forget(&self, session_id: &str) {
        let mut kept = self.kept();
        if let Some(gone) = kept.slots.pop(session_id) {
            kept.bytes -= gone.bytes;
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn make_room(&mut self) {
        while self.bytes > RECENT_BYTES_MAX
            && let Some((_, gone)) = self.slots.pop_lru()
        {
            self.bytes -= gone.bytes;
        }
    }

    fn forget_unasked(&mut self, now: Instant) {
        let is_unasked = |one: &Weighed| now.duration_since(one.asked_at) >= RECENT_FOR;
        while self.slots.peek_lru().is_some_and(|(_, oldest)| is_unasked(oldest))
            && let Some((_, gone)) = self.slots.pop_lru()
        {
            self.bytes -= gone.bytes;
        }
    }
}

impl Slot {
    fn known(&self) -> MutexGuard<'_, Option<Arc<Known>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Brings a session to where the outline stands; none where that would cost more than reading it, or
/// the log does not say all.
async fn fold(
    store: &dyn Store,
    mut known: Arc<Known>,
    outline: Outline,
) -> Result<Option<Arc<Known>>, Error> {
    let head = outline.cursor.offset;
    let behind = head.checked_sub(known.cursor.offset);
    let Some(topic) = topic(&outline.session)
        .filter(|_| behind.is_some_and(|behind| (1..=FOLDED_EVENTS_MAX).contains(&behind)))
    else {
        return Ok(None);
    };
    let from = known.cursor;
    while known.cursor.offset < head {
        let after = known.cursor.offset;
        let page = store.read(&topic, after, PageLimit::REPLAY).await?;
        let events: Vec<_> =
            page.events.into_iter().take_while(|event| event.cursor.offset <= head).collect();
        let is_whole = events.first().is_some_and(|first| first.cursor.offset == after + 1);
        // Whoever still shows the session as it was keeps that one.
        let folding = Arc::make_mut(&mut known);
        if !is_whole || !events.iter().all(|event| folding.apply(event)) {
            return Ok(None);
        }
    }
    // A database that was restored, or whose standby took over, may have another history there.
    let resume = store.position(&topic, Some(from)).await?.resume;
    if known.cursor != outline.cursor || resume != Some(Resume::Whole) {
        return Ok(None);
    }
    Arc::make_mut(&mut known).settle(outline);
    Ok(Some(known))
}

fn topic(session: &Session) -> Option<Topic> {
    Topic::new(&session.tenant, Kind::Session, &session.session_id).ok()
}

impl Known {
    /// Folds an event in. False where the log does not say what follows from it.
    fn apply(&mut self, event: &Event) -> bool {
        self.cursor = event.cursor;
        match &event.body {
            Body::Session(fact) => self.state.apply(fact) == Folded::Whole,
            Body::Payload(_) | Body::Job(_) | Body::Summary(_) => false,
        }
    }

    /// Takes over what stands in rows of its own, at the same head.
    fn settle(&mut self, outline: Outline) {
        let Outline { session, cursor, graphs, .. } = outline;
        self.cursor = cursor;
        self.state.session = session;
        for (name, head) in graphs {
            self.state.graphs.entry(name).or_default().head = head;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_not_asked_for_goes_when_another_is() {
        let (recent, began) = (Recent::default(), Instant::now());
        for (session_id, at) in [("a", 0), ("b", 0), ("a", 1)] {
            let _slot = recent.slot(session_id, began + Duration::from_secs(at));
        }
        let _slot = recent.slot("c", began + RECENT_FOR);
        let kept = recent.kept();
        let left: Vec<&str> =
            kept.slots.iter().map(|(session_id, _)| session_id.as_str()).collect();
        assert_eq!((left, kept.bytes), (vec!["c", "a"], 2 * SESSION_BYTES));
    }

    #[test]
    fn sessions_that_cannot_be_read_take_no_more_room_than_others() {
        let (recent, now) = (Recent::default(), Instant::now());
        for number in 0..=RECENT_BYTES_MAX / SESSION_BYTES {
            let _slot = recent.slot(&number.to_string(), now);
        }
        let kept = recent.kept();
        assert_eq!(kept.bytes, RECENT_BYTES_MAX);
        assert_eq!(kept.bytes, kept.slots.len() as u64 * SESSION_BYTES);
    }
}
