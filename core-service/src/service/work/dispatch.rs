//! The dispatcher: brings free jobs and free slots together. The store knows which jobs are free and
//! in which order; nothing is kept here that a restart would miss.

use std::collections::HashSet;
use std::time::Duration;

use futures::future::{join, join_all};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::assignment;
use super::crew::{Crew, Pick};
use super::roster::{Hungry, Roster, SeatId};
use crate::domain::audit::Entry;
use crate::domain::job::{self, Record, Taker};
use crate::domain::limits;
use crate::domain::payload::Payload;
use crate::log::Log;
use crate::service::audit;
use crate::service::membership::Placed;
use crate::store::commit::{Action, Command, Idempotency};
use crate::store::{Error, Stored};

/// Looks at least this often: that another core freed a job may not have been heard.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Runs until `stop`.
pub async fn run(log: Log, roster: Roster, stop: CancellationToken) {
    // Goes on while others wake: however much is stirred, slots of lapsed leases come free.
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut damaged = HashSet::new();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            now = looks.tick() => {
                roster.note_silent(now);
                roster.forget_lapsed(now);
            }
            () = roster.woken() => {}
        }
        let mut unread = HashSet::new();
        loop {
            match round(&log, &roster, &mut unread).await {
                Ok(Round::Settled) => break,
                Ok(Round::Given) => {}
                Err(error) => {
                    tracing::warn!(%error, "jobs wait: the store does not give them out");
                    break;
                }
            }
        }
        for job_id in unread.difference(&damaged) {
            tracing::error!(job_id, "a job cannot be read: no worker gets it");
        }
        // Told once, also where nobody asked for it meanwhile.
        if !unread.is_empty() {
            damaged = unread;
        }
    }
}

/// Creates a job, which operators are told of if there is an entry. If a worker waits for such a job, the
/// commit that creates it leases it too.
pub(in crate::service) async fn create(
    (log, roster): (&Log, &Roster),
    (placed, input): (Placed, Option<Payload>),
    idempotency: Option<Idempotency>,
    told: Option<Entry>,
) -> Result<(Stored, bool), Error> {
    let spec = placed.spec();
    let reserved = roster.reserve(&spec);
    let taker = reserved
        .as_ref()
        .map(|(_, worker)| Taker { worker: worker.id.clone(), ttl: limits::LEASE });
    let (job_id, trace) = (spec.id.clone(), spec.trace);
    let action = Action::CreateJob { spec: Box::new(spec), input: input.clone(), taker };
    let command = audit::with(told, Command { action, idempotency, trace });
    let Some((seat, _)) = reserved else { return log.commit_job(command).await };
    let (log, roster) = (log.clone(), roster.clone());
    // Detached: a caller who hangs up between commit and assignment would leave the lease with nobody.
    let creating = tokio::spawn(async move {
        let created = log.commit_job(command).await;
        let leased = created
            .as_ref()
            .ok()
            .filter(|(stored, is_replay)| !is_replay && stored.record.custody.lease.is_some());
        let is_handed = match leased {
            Some((stored, _)) => hand_over(&log, &roster, seat, stored, input.as_ref()).await,
            None => false,
        };
        if !is_handed {
            roster.give_up(seat, &job_id);
        }
        created
    });
    creating.await.unwrap_or_else(|_| Err(Error::Unavailable("the creation was broken off".into())))
}

/// What a round came to.
enum Round {
    /// Nobody with a slot free has a job to take.
    Settled,
    /// Jobs were given out; there may be more.
    Given,
}

/// Gives out jobs once, but for those that cannot be read: a worker would be offered the same one again and
/// again, and none behind it. The leases of a round share a commit.
async fn round(log: &Log, roster: &Roster, unread: &mut HashSet<String>) -> Result<Round, Error> {
    let look = roster.begin_look();
    let picks = pick(log, roster.hungry(), unread.clone()).await?;
    if picks.is_empty() {
        roster.settle(&look);
        return Ok(Round::Settled);
    }
    let leases = picks.into_iter().map(async |pick| {
        let job_id = pick.job_id.clone();
        match lease(log, roster, pick).await {
            Err(Error::Damaged(_)) => Ok(Some(job_id)),
            outcome => outcome.map(|()| None),
        }
    });
    let given = join_all(leases).await;
    unread.extend(given.iter().filter_map(|outcome| outcome.as_ref().ok().cloned().flatten()));
    // A store that takes no lease at all takes none in the next round either.
    let given = given.into_iter().reduce(Result::or);
    given.transpose().map(|_| Round::Given)
}

/// Picks jobs for workers, none of those that are taken.
async fn pick(
    log: &Log,
    hungry: Vec<Hungry>,
    mut taken: HashSet<String>,
) -> Result<Vec<Pick>, Error> {
    let mut picks = Vec::new();
    for mut crew in Crew::of(hungry) {
        let mut jobs = log.store().agenda(crew.query(taken.len())).await?;
        jobs.retain(|job| !taken.contains(&job.job_id));
        let picked = crew.pick(jobs);
        taken.extend(picked.iter().map(|pick| pick.job_id.clone()));
        picks.extend(picked);
    }
    Ok(picks)
}

/// Leases a job and hands it to its worker.
async fn lease(log: &Log, roster: &Roster, pick: Pick) -> Result<(), Error> {
    let Pick { job_id, seat, worker } = pick;
    let command = job::Command::Lease { worker, ttl: limits::LEASE };
    let (leased, input) = join(change(log, &job_id, command), log.store().job_input(&job_id)).await;
    match (leased, input) {
        (Ok(stored), Ok(input)) => {
            hand_over(log, roster, seat, &stored, input.as_ref()).await;
            Ok(())
        }
        (Ok(stored), Err(error)) => {
            take_back(log, &stored).await;
            Err(error)
        }
        // Somebody else was faster, or it was cancelled.
        (Err(Error::Refused(_)), _) => Ok(()),
        (Err(error), _) => Err(error),
    }
}

/// Hands a leased job to its worker, or takes it back when the worker has gone. Says which.
async fn hand_over(
    log: &Log,
    roster: &Roster,
    seat: SeatId,
    stored: &Stored,
    input: Option<&Payload>,
) -> bool {
    metrics::counter!("roomcast_leases_total").increment(1);
    let is_handed = roster.assign(seat, assignment(stored, input), stored.cursor.offset).is_ok();
    if !is_handed {
        take_back(log, stored).await;
    }
    is_handed
}

async fn take_back(log: &Log, stored: &Stored) {
    let Record { job, custody } = &*stored.record;
    // If this fails too, the lease runs out.
    let _ = change(log, &job.spec.id, job::Command::Return { fence: custody.fence }).await;
}

/// Commits a change of a job.
pub(super) async fn change(
    log: &Log,
    job_id: &str,
    command: job::Command,
) -> Result<Stored, Error> {
    let action = Action::Job { job_id: job_id.to_owned(), command };
    let command = Command { action, idempotency: None, trace: None };
    log.commit_job(command).await.map(|(stored, _)| stored)
}
