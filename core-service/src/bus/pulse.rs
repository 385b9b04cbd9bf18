//! The pulse of rights: the store is asked each second how far the topic of who may come in reaches.
//! Edges go on delivering only while they are told, so it is asked for alone: neither the number of
//! followed topics nor what else is read delays it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Bus;
use crate::domain::cursor::{Cursor, Resume};
use crate::domain::topic::Topic;
use crate::store::{Error, Store};

/// Between two beats.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);
/// After a question that came to no beat, or to a late one: edges rely for four seconds on what they heard,
/// and one hang of the store shall not use them up.
const AGAIN: Duration = Duration::from_millis(200);
/// Between two questions, however many streams of edges begin.
const LEAST: Duration = Duration::from_millis(50);
/// What was asked longer ago says too little of the present. With the four seconds for which an edge
/// relies on what it heard, and what is on its way, a right ends within five.
const ANSWER_MAX: Duration = Duration::from_millis(750);
/// A store that has answered nothing for so long leaves edges without rights: they are better off at a core
/// whose store answers, if there is one.
const SILENCE_MAX: Duration = Duration::from_secs(4);

/// What the store has answered. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Pulse(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    beat: watch::Sender<Option<Beat>>,
    hurry: Notify,
    /// When the store answered last, or began to be asked.
    answered: Mutex<Option<Instant>>,
}

/// Every change of rights before a moment is in the log up to here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    asked: Instant,
    head: Cursor,
}

/// Where beats are heard.
#[derive(Debug)]
pub struct Beats(watch::Receiver<Option<Beat>>);

impl Pulse {
    /// The beats from here on. The first comes at once.
    #[must_use]
    pub fn beats(&self) -> Beats {
        let beats = Beats(self.0.beat.subscribe());
        self.0.hurry.notify_one();
        beats
    }

    /// Whether the store has stopped to answer, though its connections may stand.
    pub(crate) fn is_silent(&self, now: Instant) -> bool {
        let answered = *self.0.answered.lock().unwrap_or_else(PoisonError::into_inner);
        answered.is_some_and(|answered| now.duration_since(answered) > SILENCE_MAX)
    }

    fn answer(&self, now: Instant) {
        *self.0.answered.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    pub(crate) fn beat(&self, asked: Instant, head: Cursor) {
        self.0.beat.send_replace(Some(Beat { asked, head }));
    }
}

impl Beats {
    /// The next beat. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Beat {
        loop {
            // A core that ends ends its streams too; until then no news is none.
            if self.0.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            if let Some(beat) = *self.0.borrow_and_update() {
                return beat;
            }
        }
    }
}

impl Beat {
    /// Whether a reader who is at `at` since `since` has all that happened until a moment before `now`. One
    /// who was beyond the head already when the store was asked has what a database has lost.
    #[must_use]
    pub fn vouches_for(&self, (at, since): (Cursor, Instant), now: Instant) -> bool {
        let is_newer = at.offset > self.head.offset && since > self.asked;
        (at == self.head || is_newer) && self.is_timely(now)
    }

    /// Whether it vouches for a reader who had not come as far, and has just reached `at`.
    #[must_use]
    pub fn is_kept_for(&self, at: Cursor, now: Instant) -> bool {
        at == self.head && self.is_timely(now)
    }

    fn is_timely(&self, now: Instant) -> bool {
        now.duration_since(self.asked) <= ANSWER_MAX
    }
}

/// Beats until `stop`. A core that is alone asks too: a stream may have opened far behind the log.
pub async fn run(store: Arc<dyn Store>, bus: Bus, pulse: Pulse, stop: CancellationToken) {
    let run = async {
        let mut is_blind = false;
        pulse.answer(Instant::now());
        loop {
            let asked = Instant::now();
            let head = ask(store.as_ref(), &bus).await;
            // One that refuses because it has much to do is there.
            if !matches!(head, Err(Error::Unavailable(_))) {
                pulse.answer(Instant::now());
            }
            let took = asked.elapsed();
            match &head {
                Ok(Some(head)) => pulse.beat(asked, *head),
                // The next one vouches, once followers have begun anew.
                Ok(None) => {}
                Err(error) if !is_blind => {
                    tracing::warn!(%error, "whether rights have changed cannot be read");
                }
                Err(_) => {}
            }
            is_blind = head.is_err();
            metrics::histogram!("roomcast_pulse_seconds").record(took);
            let pause = pause(matches!(head, Ok(Some(_))), took);
            tokio::time::sleep(LEAST).await;
            // Whichever comes first.
            let _ =
                tokio::time::timeout(pause.saturating_sub(LEAST), pulse.0.hurry.notified()).await;
        }
    };
    stop.run_until_cancelled(run).await;
}

/// From an answer that took so long to the next question: never less than [`LEAST`].
fn pause(has_beaten: bool, took: Duration) -> Duration {
    if has_beaten && took <= ANSWER_MAX { INTERVAL.saturating_sub(took) } else { AGAIN }
}

/// Where the topic of rights stands, unless its log has turned out to be another one.
async fn ask(store: &dyn Store, bus: &Bus) -> Result<Option<Cursor>, Error> {
    let topic = Topic::access();
    let known = bus.stand(&topic);
    let position = store.position(&topic, known).await?;
    let resume = position.resume.unwrap_or(Resume::Whole);
    if let Some(known) = known {
        bus.settle(&topic, known, position.head, resume);
    }
    let is_same = matches!(resume, Resume::Whole | Resume::Trimmed);
    Ok(is_same.then_some(position.head))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::domain::access::{Command as AccessCommand, Touched};
    use crate::domain::time::Time;
    use crate::store::commit::{Action, Command, Committed};
    use crate::store::sqlite::{SqliteConfig, SqliteStore};

    fn cursor(offset: u64) -> Cursor {
        Cursor { offset, stamp: 7 }
    }

    fn store(folder: &TempDir) -> Arc<dyn Store> {
        let config = SqliteConfig::new(folder.path());
        let store = SqliteStore::open(config, Arc::new(|| Time(1)), Arc::new(|_| {}));
        Arc::new(store.expect("opens"))
    }

    async fn change(store: &dyn Store) -> Cursor {
        let action = Action::Access(AccessCommand::Recheck(Touched::subject("acme", "eve")));
        let committed = store.commit(Command { action, idempotency: None, trace: None }).await;
        let Ok(Committed::Access { cursor: Some(at), .. }) = committed else {
            panic!("{committed:?}")
        };
        at
    }

    #[test]
    fn a_beat_vouches_for_whoever_has_all_of_it_and_not_for_long() {
        let asked = Instant::now();
        let (beat, end) = (Beat { asked, head: cursor(3) }, asked + ANSWER_MAX);
        let at = |offset| (cursor(offset), asked);
        assert!(!beat.vouches_for(at(2), asked), "a change is on its way");
        assert!(beat.vouches_for(at(3), asked));
        let another = Cursor { stamp: 8, ..cursor(3) };
        assert!(!beat.vouches_for((another, asked), asked), "of another history");
        assert!(!beat.vouches_for(at(4), end), "of a history that the store has lost");
        assert!(beat.vouches_for((cursor(4), end), end), "newer than the question");
        assert!(beat.vouches_for(at(3), end));
        let late = end + Duration::from_millis(1);
        assert!(!beat.vouches_for(at(3), late), "the answer took too long");
    }

    #[test]
    fn a_question_that_came_to_nothing_is_soon_asked_again() {
        let took = Duration::from_millis(300);
        assert_eq!(pause(true, took) + took, INTERVAL);
        assert_eq!(pause(true, ANSWER_MAX + Duration::from_millis(1)), AGAIN);
        assert_eq!(pause(false, took), AGAIN);
        assert!(AGAIN >= LEAST && pause(true, ANSWER_MAX) >= LEAST);
    }

    #[test]
    fn a_store_that_was_asked_and_does_not_answer_is_silent_after_a_while() {
        let (pulse, asked) = (Pulse::default(), Instant::now());
        let later = asked + SILENCE_MAX + Duration::from_millis(1);
        assert!(!pulse.is_silent(later), "nobody has asked");
        pulse.answer(asked);
        assert!(!pulse.is_silent(asked + SILENCE_MAX));
        assert!(pulse.is_silent(later));
        pulse.answer(later);
        assert!(!pulse.is_silent(later));
    }

    #[tokio::test]
    async fn a_core_that_is_alone_vouches_for_no_reader_who_is_behind_its_log() {
        let folder = TempDir::new().expect("a folder");
        let store = store(&folder);
        let (first, last) = (change(store.as_ref()).await, change(store.as_ref()).await);
        let (pulse, stop) = (Pulse::default(), CancellationToken::new());
        // A bus that has heard of nothing, as after a start.
        let running = tokio::spawn(run(store, Bus::default(), pulse.clone(), stop.clone()));
        let beat = pulse.beats().next().await;
        let vouches_for = |at| beat.vouches_for((at, beat.asked), beat.asked);
        assert!(!vouches_for(Cursor::START) && !vouches_for(first));
        assert!(vouches_for(last));
        stop.cancel();
        running.await.expect("it ends");
    }

    #[tokio::test]
    async fn whoever_begins_to_listen_hears_a_beat_at_once() {
        let folder = TempDir::new().expect("a folder");
        let (pulse, stop) = (Pulse::default(), CancellationToken::new());
        let run = run(store(&folder), Bus::default(), pulse.clone(), stop.clone());
        let running = tokio::spawn(run);
        pulse.beats().next().await;
        let begun = Instant::now();
        for _ in 0..8 {
            pulse.beats().next().await;
        }
        assert!(begun.elapsed() < INTERVAL * 4, "each waited for its turn: {:?}", begun.elapsed());
        stop.cancel();
        running.await.expect("it ends");
    }
}
