//! The dispatcher: brings free jobs and free slots together. The store knows which jobs are free and
//! in which order; nothing is kept here that a restart would miss.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{join, join_all};
use tokio_util::sync::CancellationToken;

use super::assignment;
use super::roster::{Hungry, Roster, SeatId};
use crate::domain::job::{self, Spec};
use crate::domain::limits;
use crate::log::Log;
use crate::store::commit::{Action, Command};
use crate::store::{AgendaQuery, Error, Stored};

/// Jobs one worker gets in one round: the others' turn comes with the next.
const ROUND_MAX: usize = 32;
/// Looks at least this often: another core may have freed a job.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A job picked for a worker.
struct Pick {
    job_id: String,
    seat: SeatId,
    worker: String,
}

/// Runs until `stop`.
pub async fn run(log: Log, roster: Roster, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = roster.woken() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        // Whoever still has a slot free found nothing in the round before: a new job is theirs, without
        // asking the store. What finds no taker, or no room in the list, comes with the round below.
        let new_jobs = roster.take_new_jobs();
        if !new_jobs.is_empty() {
            give_out(&log, &roster, match_up(roster.hungry(), &new_jobs)).await;
        }
        loop {
            match round(&log, &roster).await {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "jobs wait: the store cannot be asked for them");
                    break;
                }
            }
        }
    }
}

/// Gives out jobs once; returns how many were picked.
async fn round(log: &Log, roster: &Roster) -> Result<usize, Error> {
    let picks = pick(log, roster.hungry()).await?;
    let count = picks.len();
    give_out(log, roster, picks).await;
    Ok(count)
}

/// Leases all at once: the leases of a round share a commit.
async fn give_out(log: &Log, roster: &Roster, picks: Vec<Pick>) {
    join_all(picks.into_iter().map(|pick| lease(log, roster, pick))).await;
}

/// Brings new jobs to workers that wait for such, each worker as many as it has slots free.
fn match_up(mut hungry: Vec<Hungry>, jobs: &[Arc<Spec>]) -> Vec<Pick> {
    let mut picks = Vec::new();
    for job in jobs {
        let taker = hungry.iter_mut().find(|seat| seat.free > 0 && seat.worker.takes(job));
        if let Some(Hungry { seat, worker, free }) = taker {
            *free -= 1;
            picks.push(Pick { job_id: job.id.clone(), seat: *seat, worker: worker.id.clone() });
        }
    }
    picks
}

async fn pick(log: &Log, hungry: Vec<Hungry>) -> Result<Vec<Pick>, Error> {
    let mut picks = Vec::new();
    let mut taken = HashSet::new();
    for Hungry { seat, worker, free } in hungry {
        let wanted = free.min(ROUND_MAX);
        let query = AgendaQuery::Free {
            kinds: worker.kinds,
            tenant: worker.tenant,
            worker: worker.id.clone(),
            // Those that others took in this round come first again: look beyond them.
            limit: wanted + taken.len().min(ROUND_MAX),
        };
        let free_jobs = log.store().agenda(query).await?;
        let fresh = free_jobs.into_iter().filter(|job| taken.insert(job.job_id.clone()));
        picks.extend(fresh.take(wanted).map(|job| Pick {
            job_id: job.job_id,
            seat,
            worker: worker.id.clone(),
        }));
    }
    Ok(picks)
}

async fn lease(log: &Log, roster: &Roster, pick: Pick) {
    let Pick { job_id, seat, worker } = pick;
    let command = job::Command::Lease { worker, ttl: limits::LEASE };
    let (leased, input) = join(change(log, &job_id, command), log.store().job_input(&job_id)).await;
    let stored = match leased {
        Ok(stored) => stored,
        // Somebody else was faster, or it was cancelled.
        Err(Error::Refused(_)) => return,
        Err(error) => {
            tracing::warn!(job_id, %error, "a job could not be leased");
            return;
        }
    };
    metrics::counter!("roomcast_leases_total").increment(1);
    let fence = stored.record.custody.fence;
    let handed = match input {
        Ok(input) => roster.assign(seat, assignment(&stored, input.as_ref())).is_ok(),
        Err(error) => {
            tracing::warn!(job_id, %error, "a job's input cannot be read");
            false
        }
    };
    if !handed {
        // If this fails too, the lease runs out.
        let _ = change(log, &job_id, job::Command::Return { fence }).await;
    }
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
