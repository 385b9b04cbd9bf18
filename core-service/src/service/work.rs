//! Work: jobs to workers, news from workers. A job goes out under a lease; whoever holds it says so
//! with every message.

mod crew;
pub mod dispatch;
mod place;
pub mod roster;
pub(super) mod stream;
pub(super) mod unary;

use roomcast_proto::v1;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use self::roster::Roster;
use super::wire::check::{self, invalid};
use super::wire::{self, job as wire_job};
use crate::domain::job::{Spec, State};
use crate::domain::limits;
use crate::domain::payload::Payload;
use crate::log::{Log, now};
use crate::store::{Error, Refusal, Stored};

/// Kinds one worker serves.
const KINDS_MAX: usize = 64;
/// Jobs one worker does at once.
const SLOTS_MAX: u32 = 1024;

/// What the workers' calls need.
#[derive(Debug, Clone)]
pub(super) struct Work {
    pub(super) log: Log,
    pub(super) roster: Roster,
    /// Ends streams and waits.
    pub(super) drain: CancellationToken,
    /// Only jobs of this tenant: a user's, who works. A service works for all.
    pub(super) tenant: Option<String>,
}

impl Work {
    /// That a job is not another tenant's than the caller's. A fence alone is soon guessed.
    pub(super) async fn reaches(&self, job_id: &str) -> Result<(), Error> {
        let Some(tenant) = &self.tenant else { return Ok(()) };
        let stored = self.log.store().job(job_id).await?;
        if stored.is_some_and(|stored| stored.record.job.spec.tenant == *tenant) {
            return Ok(());
        }
        Err(Refusal::JobNotFound(job_id.to_owned()).into())
    }
}

/// A worker that wants jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// Unique name of the process.
    pub id: String,
    /// Kinds it serves.
    pub kinds: Vec<String>,
    /// Jobs it takes at once.
    pub slots: usize,
    /// The tenant it serves; none means all.
    pub tenant: Option<String>,
}

impl Worker {
    /// Whether it serves a kind in a tenant.
    #[must_use]
    pub fn serves(&self, kind: &str, tenant: &str) -> bool {
        self.kinds.iter().any(|served| served == kind)
            && self.tenant.as_ref().is_none_or(|served| served == tenant)
    }

    /// Whether it may take a job.
    #[must_use]
    pub fn takes(&self, job: &Spec) -> bool {
        self.serves(&job.kind, &job.tenant)
            && job.pinned_worker.as_ref().is_none_or(|pinned| *pinned == self.id)
    }
}

/// The worker that a message introduces.
pub(super) fn worker(
    id: String,
    kinds: Vec<String>,
    slots: u32,
    tenant: Option<String>,
) -> Result<Worker, Status> {
    if kinds.is_empty() || kinds.len() > KINDS_MAX {
        return Err(invalid("kinds", "has 1 to 64 names"));
    }
    if !(1..=SLOTS_MAX).contains(&slots) {
        return Err(invalid("slots", "must be 1 to 1024"));
    }
    Ok(Worker {
        id: check::name("worker_id", id)?,
        kinds: kinds
            .into_iter()
            .map(|kind| check::name("kinds", kind))
            .collect::<Result<_, _>>()?,
        slots: slots as usize,
        tenant: tenant
            .map(|tenant| check::key("tenant", tenant, limits::SUBJECT_BYTES_MAX))
            .transpose()?,
    })
}

/// A job as handed to its worker.
fn assignment(stored: &Stored, input: Option<&Payload>) -> v1::Assignment {
    let mut job = wire_job::job(stored);
    job.input = input.map(wire::value::payload);
    v1::Assignment {
        job: Some(job),
        fence: stored.record.custody.fence,
        lease: Some(wire::duration(limits::LEASE)),
    }
}

/// Tells a worker to end a job, if somebody asked for that.
fn cancel_notice(stored: &Stored) -> Option<v1::CancelNotice> {
    let record = &stored.record;
    if record.job.state != State::Cancelling {
        return None;
    }
    let grace = record.custody.cancel_by.map(|by| by.since(now())).unwrap_or_default();
    Some(v1::CancelNotice {
        job_id: record.job.spec.id.clone(),
        fence: record.custody.fence,
        reason: record.job.cancel.as_ref().map(|c| c.reason.clone()).unwrap_or_default(),
        grace: Some(wire::duration(grace)),
    })
}
