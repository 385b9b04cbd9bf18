//! The clockwork: gives every job whose deadline has passed a tick. It is the scheduler of delayed
//! jobs, the rescuer of lost leases, the keeper of timeouts, and it logs the last value of merged
//! progress; what a tick does is the job's own business.

use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::leadership::Leadership;
use crate::alarm::Alarm;
use crate::domain::job;
use crate::domain::limits;
use crate::domain::time::Time;
use crate::log::Log;
use crate::store::commit::Action;
use crate::store::{AgendaQuery, Command, Error};

/// Jobs looked at in one go.
const PAGE: usize = 512;
/// Ticks on their way at once: they share commits.
const TICKS_AT_ONCE: usize = 64;
/// Looks at the store at least this often, whatever the alarm says: what another core tells of its
/// deadlines may be lost.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long to wait when the store cannot take ticks.
const PAUSE: Duration = Duration::from_millis(200);

/// Runs until `stop`, whenever this core leads.
pub async fn run(log: Log, alarm: Alarm, leadership: Leadership, stop: CancellationToken) {
    let mut hold_until = Time::default();
    let mut is_waiting = false;
    let mut damaged = None;
    while stop.run_until_cancelled(leadership.held()).await.is_some() {
        hold_until = hold_until.max(leadership.hold_until());
        let outcome = round(&log, &alarm, &leadership, hold_until).await;
        if let Err(error) = &outcome {
            if !is_waiting {
                tracing::warn!(%error, "deadlines wait: the store takes no ticks");
            }
            // Workers that could not reach the store need a whole lease to come back.
            hold_until = leadership.store_time() + limits::LEASE;
        }
        is_waiting = outcome.is_err();
        let Round { wait, unread } =
            outcome.unwrap_or(Round { wait: PAUSE, unread: damaged.clone() });
        if let Some(job_id) = unread.as_ref().filter(|_| unread != damaged) {
            tracing::error!(job_id, "a job cannot be read: its deadlines are not kept");
        }
        damaged = unread;
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(wait, &alarm, &leadership) => {}
        }
    }
}

/// What a round came to.
struct Round {
    /// How long nothing else will be due.
    wait: Duration,
    /// A job that is due and cannot be read, if there is one.
    unread: Option<String>,
}

/// Ticks what is due.
async fn round(
    log: &Log,
    alarm: &Alarm,
    leadership: &Leadership,
    hold_until: Time,
) -> Result<Round, Error> {
    alarm.clear();
    let now = leadership.store_time();
    let due = log.store().agenda(AgendaQuery::Due { now, limit: PAGE }).await?;
    let is_all = due.len() < PAGE;
    let mut unread = None;
    let mut ticks = stream::iter(due)
        .map(|candidate| tick(log, candidate.job_id, hold_until))
        .buffer_unordered(TICKS_AT_ONCE);
    while let Some(outcome) = ticks.next().await {
        // The same one each time, in whichever order they are answered: it is told once.
        unread = unread.into_iter().chain(outcome?).min();
    }
    if unread.is_some() {
        // It stays the next that is due: only the look tells of others.
        return Ok(Round { wait: LOOK_EVERY, unread });
    }
    if !is_all {
        return Ok(Round { wait: Duration::ZERO, unread });
    }
    let next = log.store().agenda(AgendaQuery::Next).await?;
    if let Some(deadline) = next.first().and_then(|candidate| candidate.deadline) {
        alarm.set(deadline);
    }
    Ok(Round { wait: LOOK_EVERY, unread })
}

/// Gives a job a tick. Answers the job if it cannot be read: all others have deadlines too.
async fn tick(log: &Log, job_id: String, leases_hold_until: Time) -> Result<Option<String>, Error> {
    let command = job::Command::Tick { leases_hold_until };
    let action = Action::Job { job_id: job_id.clone(), command };
    match log.commit(Command { action, idempotency: None, trace: None }).await {
        Ok(_) | Err(Error::Refused(_)) => {
            metrics::counter!("roomcast_deadlines_total").increment(1);
            Ok(None)
        }
        Err(Error::Damaged(_)) => Ok(Some(job_id)),
        Err(error) => Err(error),
    }
}

/// Sleeps for `longest`, or until the alarm goes off.
async fn sleep(longest: Duration, alarm: &Alarm, leadership: &Leadership) {
    let end = Instant::now() + longest;
    loop {
        // One millisecond more: deadlines are whole milliseconds, and the clock shows the begun one.
        let to_alarm = alarm.next().since(leadership.store_time()) + Duration::from_millis(1);
        let until = end.min(Instant::now() + to_alarm.min(longest));
        tokio::select! {
            () = tokio::time::sleep_until(until) => return,
            () = alarm.earlier() => {}
        }
    }
}
