//! What an audience feels of others: of sockets that are never read, and of one that catches up with a
//! million events. Each trial with them stands beside one without, in turns, so that what the
//! machine does meanwhile falls on both.

use std::time::{Duration, Instant};

use crate::trial::{Stage, Trial};

/// Events a second, well below what is sustained.
pub(crate) const RATE: f64 = 300.0;
/// Trials of each kind.
const ROUNDS: usize = 3;
/// Guests that are not read.
const UNREAD: usize = 10;
/// Before the trial so much is published at once, so that they are behind when it begins.
const FILLING_RATE: f64 = 2000.0;
const FILLING: Duration = Duration::from_secs(3);
/// Events that the guest catches up with.
pub(crate) const HISTORY: u64 = 1_000_000;
/// The room they are of, where nobody of the audience is.
const HISTORY_ROOM: u64 = 1_000;
/// A core that keeps them all.
pub(crate) const HISTORY_KEPT: &str = "room=events:none,bytes:none";
/// All of them have come by then, or never.
const REPLAY_LIMIT: Duration = Duration::from_secs(60);

/// An audience without and with others.
#[derive(Debug, Default)]
pub(crate) struct Disturbance {
    pub(crate) without: Vec<Trial>,
    pub(crate) with: Vec<Trial>,
    /// By how much the server's memory grew at most.
    pub(crate) grew: u64,
    /// Events that the guest got, and how long it took.
    pub(crate) replayed: Option<(u64, Duration)>,
}

/// By sockets that are never read.
pub(crate) fn by_unread(stage: &mut Stage<'_>, span: Duration) -> anyhow::Result<Disturbance> {
    let mut disturbance = Disturbance::default();
    for _ in 0..ROUNDS {
        disturbance.without.push(stage.run(RATE, span)?);
        stage.run(FILLING_RATE, FILLING)?;
        stage.most_memory()?;
        let before = stage.most_memory()?;
        stage.invite(UNREAD, None)?;
        stage.crowd().ignore_guests()?;
        stage.run(FILLING_RATE, FILLING)?;
        disturbance.with.push(stage.run(RATE, span)?);
        disturbance.grew = disturbance.grew.max(stage.most_memory()?.saturating_sub(before));
        stage.crowd().dismiss();
    }
    Ok(disturbance)
}

/// By one socket that catches up with a long history.
pub(crate) fn by_replay(stage: &mut Stage<'_>, span: Duration) -> anyhow::Result<Disturbance> {
    let publisher = stage.publisher().ok_or_else(|| anyhow::anyhow!("nothing is kept"))?;
    let place = publisher.fill(HISTORY_ROOM, HISTORY)?;
    let mut disturbance = Disturbance::default();
    for _ in 0..ROUNDS {
        disturbance.without.push(stage.run(RATE, span)?);
        stage.most_memory()?;
        let before = stage.most_memory()?;
        let begin = Instant::now();
        stage.crowd().tally.apart = 0;
        stage.invite(1, Some(place.clone()))?;
        disturbance.with.push(stage.run(RATE, span)?);
        let is_last = disturbance.with.len() == ROUNDS;
        while is_last && stage.crowd().tally.apart < HISTORY && begin.elapsed() < REPLAY_LIMIT {
            stage.run(RATE, Duration::from_secs(1))?;
        }
        disturbance.replayed = Some((stage.crowd().tally.apart, begin.elapsed()));
        disturbance.grew = disturbance.grew.max(stage.most_memory()?.saturating_sub(before));
        stage.crowd().dismiss();
    }
    Ok(disturbance)
}
