//! The safety net under the bus: asks the store where all followed topics stand. Seldom while other
//! cores are heard, since even a message that nothing follows may be lost; often while they are not.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Bus;
use super::health::{Health, Hearing};
use crate::domain::cursor::Resume;
use crate::store::{Error, Store};

/// Between two looks while all is heard.
const CALM: Duration = Duration::from_secs(1);
/// Between two looks while it is not: nobody waits longer than a quarter of a second.
const ALERT: Duration = Duration::from_millis(200);
/// Between two looks whatever happens: doubts come in swarms.
const LEAST: Duration = Duration::from_millis(50);
/// A look may take this part of the time, and no more: many topics are asked for less often.
const SHARE: u32 = 5;
/// Between two looks, however long the last one took: one that hung with its database says nothing of how
/// many topics there are.
const LONGEST: Duration = Duration::from_secs(2);
/// Topics of one statement: some milliseconds.
const TOPICS_AT_ONCE: usize = 5000;

/// Watches until `stop`. `stir` wakes whoever waits for other cores' commits without following a topic.
pub async fn run(
    store: Arc<dyn Store>,
    bus: Bus,
    health: Health,
    stir: impl Fn() + Send + Sync,
    stop: CancellationToken,
) {
    let run = async {
        let mut is_blind = false;
        loop {
            let began = Instant::now();
            let looked = look(store.as_ref(), &bus).await;
            if let Err(error) = &looked
                && !is_blind
            {
                tracing::warn!(%error, "where topics stand cannot be read");
            }
            is_blind = looked.is_err();
            metrics::histogram!("roomcast_watch_seconds").record(began.elapsed());
            let least = rest(began.elapsed());
            tokio::time::sleep(least).await;
            let is_stirred = tokio::select! {
                () = tokio::time::sleep(pace(&health).saturating_sub(least)) => {
                    health.hearing() != Hearing::All
                }
                () = health.doubted() => true,
            };
            if is_stirred {
                stir();
            }
        }
    };
    stop.run_until_cancelled(run).await;
}

/// From a look that took so long to the next one, whatever is doubted meanwhile.
fn rest(took: Duration) -> Duration {
    (took * SHARE).clamp(LEAST, LONGEST)
}

fn pace(health: &Health) -> Duration {
    if health.hearing() == Hearing::All { CALM } else { ALERT }
}

/// Asks once for all followed topics.
async fn look(store: &dyn Store, bus: &Bus) -> Result<(), Error> {
    let (mut known, mut rewound) = (bus.known(), 0_u64);
    while !known.is_empty() {
        let rest = known.split_off(known.len().min(TOPICS_AT_ONCE));
        let moved = store.heads(known.clone()).await?;
        let moved: HashMap<_, _> = moved.into_iter().collect();
        for (topic, known) in known {
            // What stands where one follower has read it may be news to others, whom the bus told less.
            let (head, resume) = moved.get(&topic).map_or((known, Resume::Whole), |position| {
                (position.head, position.resume.unwrap_or(Resume::Whole))
            });
            if matches!(resume, Resume::Forked | Resume::Ahead) {
                tracing::debug!(%topic, "the log has lost events that were committed");
                rewound += 1;
            }
            bus.settle(&topic, known, head, resume);
        }
        known = rest;
    }
    // One line for all: a database that failed over may have rewound every topic.
    if rewound > 0 {
        tracing::warn!(
            topics = rewound,
            "logs have lost events that were committed; readers begin anew"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use tempfile::TempDir;

    use super::*;
    use crate::domain::cursor::Cursor;
    use crate::domain::event::{Body, NewEvent};
    use crate::domain::payload::Payload;
    use crate::domain::time::Time;
    use crate::domain::topic::{Kind, Topic};
    use crate::store::commit::{Action, Command, Committed};
    use crate::store::sqlite::{SqliteConfig, SqliteStore};

    /// Publishes so many events. Answers where each stands.
    async fn publish(store: &dyn Store, topic: &Topic, count: usize) -> Vec<Cursor> {
        let event = NewEvent { kind: "said".into(), body: Body::Payload(Payload::json("{}")) };
        let (topic, events) = (topic.clone(), vec![event; count]);
        let action = Action::Publish { topic, events, expected_offset: None };
        let committed = store.commit(Command { action, idempotency: None, trace: None }).await;
        let Ok(Committed::Published { cursors, .. }) = committed else { panic!("{committed:?}") };
        cursors
    }

    #[test]
    fn a_look_takes_its_share_of_the_time_and_one_that_hung_does_not_end_the_watch() {
        let look = Duration::from_millis(40);
        assert_eq!(rest(Duration::ZERO), LEAST);
        assert_eq!(rest(look), look * SHARE);
        let hung = Duration::from_secs(12);
        assert_eq!(rest(hung), LONGEST);
    }

    #[tokio::test]
    async fn what_one_follower_has_read_is_told_to_those_whom_the_bus_told_less() {
        let folder = TempDir::new().expect("a folder");
        let config = SqliteConfig::new(folder.path());
        // As another core commits whose messages are lost.
        let store = SqliteStore::open(config, Arc::new(|| Time(1)), Arc::new(|_| {}));
        let store = store.expect("opens");
        let (bus, topic) = (Bus::default(), Topic::new("acme", Kind::Room, "a").expect("a topic"));
        let cursors = publish(&store, &topic, 2).await;
        let [mut waits, reads] = [bus.attach(&topic), bus.attach(&topic)];
        reads.note(cursors[0]);
        assert_eq!(waits.wait(1).now_or_never(), None);
        reads.note(cursors[1]);
        look(&store, &bus).await.expect("a look");
        assert_eq!(waits.wait(1).now_or_never(), Some(()), "the second is news");
    }
}
