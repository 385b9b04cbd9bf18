//! Work as single calls: the same leases, beats and reports as the stream's.

use std::time::Duration;

use roomcast_proto::v1;
use tonic::Status;

use super::dispatch::change;
use super::place::Place;
use super::roster::Notice;
use super::{Work, Worker, cancel_notice};
use crate::domain::job::{self, Refusal as JobRefusal, Report};
use crate::domain::limits;
use crate::error::status;
use crate::store::commit::{Action, Command};
use crate::store::{Error, Refusal};

/// Seats a worker until it has a job or `wait` is over.
pub(in crate::service) async fn lease(
    work: &Work,
    worker: Worker,
    wait: Duration,
) -> Vec<v1::Assignment> {
    let mut place = Place::take(work, worker);
    let first = tokio::select! {
        notice = tokio::time::timeout(wait.max(AT_LEAST), place.notice()) => notice.ok().flatten(),
        () = work.drain.cancelled() => None,
    };
    first.into_iter().chain(place.leave()).filter_map(Notice::assignment).collect()
}

/// A caller that will not wait still gives the dispatcher one round.
const AT_LEAST: Duration = Duration::from_millis(50);

/// What became of leases that were to be extended.
#[derive(Debug, Default)]
pub(in crate::service) struct Renewed {
    /// Those that go on, and where each job's topic stands.
    pub(super) kept: Vec<(v1::Lease, u64)>,
    pub(in crate::service) cancels: Vec<v1::CancelNotice>,
    pub(in crate::service) lost: Vec<v1::LeaseLost>,
}

/// Extends leases.
pub(in crate::service) async fn renew(
    work: &Work,
    held: Vec<v1::Lease>,
) -> Result<Renewed, Status> {
    let (mut kept, mut cancels, mut lost) = (Vec::new(), Vec::new(), Vec::new());
    let mut ours = Vec::with_capacity(held.len());
    for lease in held {
        match work.reaches(&lease.job_id).await {
            Ok(()) => ours.push(lease),
            // Its holder, if it has one, is not this caller.
            Err(Error::Refused(_)) => {
                lost.push(v1::LeaseLost { job_id: lease.job_id, fence: lease.fence });
            }
            Err(error) => return Err(status(error)),
        }
    }
    let renewals = ours.into_iter().map(|lease| async {
        let command = job::Command::Renew { fence: lease.fence, ttl: limits::LEASE };
        let renewed = change(&work.log, &lease.job_id, command).await;
        (lease, renewed)
    });
    for (lease, renewed) in futures::future::join_all(renewals).await {
        match renewed {
            Ok(stored) => {
                work.roster.renewed(&lease.job_id, lease.fence);
                cancels.extend(cancel_notice(&stored));
                kept.push((lease, stored.cursor.offset));
            }
            Err(Error::Refused(_)) => {
                work.roster.lose(&lease.job_id, lease.fence);
                lost.push(v1::LeaseLost { job_id: lease.job_id, fence: lease.fence });
            }
            Err(error) => return Err(status(error)),
        }
    }
    Ok(Renewed { kept, cancels, lost })
}

/// Commits a report. A repeated one is acknowledged again.
pub(in crate::service) async fn report(
    work: &Work,
    job_id: String,
    report: Report,
) -> Result<(v1::ReportAck, Option<v1::CancelNotice>), Status> {
    let fence = report.fence;
    let is_end = report.end.is_some();
    if is_end {
        work.roster.mark_ending(&job_id, true);
    }
    let command = job::Command::Report(Box::new(report));
    let action = Action::Job { job_id: job_id.clone(), command };
    let command = Command { action, idempotency: None, trace: None };
    let committed = work.log.commit_job(command).await;
    let ack = |number| v1::ReportAck { job_id: job_id.clone(), fence, number };
    match committed {
        Ok((stored, _)) => {
            work.roster.renewed(&job_id, fence);
            Ok((ack(stored.record.custody.report), cancel_notice(&stored)))
        }
        Err(Error::Refused(Refusal::Job(JobRefusal::Duplicate { number }))) => {
            Ok((ack(number), None))
        }
        Err(error) => {
            if is_end {
                work.roster.mark_ending(&job_id, false);
            }
            if let Error::Refused(Refusal::Job(JobRefusal::Fenced { .. } | JobRefusal::Ended)) =
                error
            {
                work.roster.lose(&job_id, fence);
            }
            Err(status(error))
        }
    }
}
