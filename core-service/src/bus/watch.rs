//! The safety net under the bus: asks the store where all followed topics stand. Seldom while other
//! cores are heard, since even a message that nothing follows may be lost; often while they are not.

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
            let least = LEAST.max(began.elapsed() * SHARE);
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

fn pace(health: &Health) -> Duration {
    if health.hearing() == Hearing::All { CALM } else { ALERT }
}

/// Asks once for all followed topics.
async fn look(store: &dyn Store, bus: &Bus) -> Result<(), Error> {
    let (mut known, mut rewound) = (bus.known(), 0_u64);
    while !known.is_empty() {
        let rest = known.split_off(known.len().min(TOPICS_AT_ONCE));
        let cursors: std::collections::HashMap<_, _> = known.iter().cloned().collect();
        for (topic, position) in store.heads(known).await? {
            let Some(known) = cursors.get(&topic) else { continue };
            let resume = position.resume.unwrap_or(Resume::Whole);
            if matches!(resume, Resume::Forked | Resume::Ahead) {
                tracing::debug!(%topic, "the log has lost events that were committed");
                rewound += 1;
            }
            bus.settle(&topic, *known, position.head, resume);
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
