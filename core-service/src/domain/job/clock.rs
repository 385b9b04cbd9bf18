//! What the passing of time does to a job. One deadline per job drives the scheduler, the rescuer of
//! lost leases, every timeout and the last value of merged progress.

use super::decide::Draft;
use super::event::{CancelMode, Event, QueueReason};
use super::{Fault, Record, State};
use crate::domain::limits::{LEASE_LOSSES_MAX, PROGRESS_INTERVAL};
use crate::domain::time::Time;

impl Record {
    /// The next moment at which a [`Command::Tick`](super::Command::Tick) may change something; none
    /// once the job has ended.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let job = &self.job;
        if job.state.is_final() {
            return None;
        }
        let lease = self.custody.lease.as_ref().map(|lease| lease.expires_at);
        let due = (job.state == State::Scheduled).then_some(job.run_at);
        [lease, due, self.start_by(), self.attempt_by(), self.end_by(), self.custody.cancel_by]
            .into_iter()
            .chain([self.flush_at()])
            .flatten()
            .min()
    }

    /// When a worker must have taken it.
    fn start_by(&self) -> Option<Time> {
        let waits = self.job.state == State::Queued && self.custody.lease.is_none();
        waits.then(|| self.job.run_at + self.job.spec.timeouts.schedule_to_start)
    }

    /// When the attempt must have ended.
    fn attempt_by(&self) -> Option<Time> {
        let started = self.job.started_at.filter(|_| self.job.state == State::Running)?;
        Some(started + self.job.spec.timeouts.attempt?)
    }

    /// When the job must have ended.
    fn end_by(&self) -> Option<Time> {
        Some(self.job.spec.created_at + self.job.spec.timeouts.total?)
    }

    /// When pending progress must be logged.
    fn flush_at(&self) -> Option<Time> {
        self.custody.pending.as_ref()?;
        Some(self.custody.progressed_at.map_or(Time(0), |last| last + PROGRESS_INTERVAL))
    }
}

impl Draft {
    pub(super) fn flush_due_at(&self) -> Option<Time> {
        self.record.flush_at()
    }

    pub(super) fn tick(&mut self, leases_hold_until: Time) {
        if self.job().state.is_final() {
            return;
        }
        let has_passed = |deadline: Option<Time>| deadline.is_some_and(|at| at <= self.now);
        if has_passed(self.record.end_by()) {
            self.time_out();
        } else if has_passed(self.record.custody.cancel_by) {
            self.finish_cancelled(CancelMode::Forced);
        } else if has_passed(self.record.start_by()) {
            let message =
                format!("no worker of kind {} took the job in time", self.job().spec.kind);
            self.finish(Event::Failed { error: fault("no_worker", message, false) });
        } else if has_passed(self.record.attempt_by()) {
            let message = format!("attempt {} took longer than its timeout", self.job().attempt);
            self.fail_attempt(fault("attempt_timeout", message, true), None);
        } else if has_passed(self.record.custody.lease.as_ref().map(|lease| lease.expires_at)) {
            self.expire_lease(leases_hold_until);
        } else if self.job().state == State::Scheduled && self.job().run_at <= self.now {
            self.requeue(QueueReason::Due, self.job().run_at, None);
        } else if has_passed(self.record.flush_at()) {
            self.flush();
        }
    }

    fn time_out(&mut self) {
        if self.job().state == State::Cancelling {
            self.finish_cancelled(CancelMode::Forced);
        } else {
            let message = "the job took longer than its total timeout".to_owned();
            self.finish(Event::Failed { error: fault("job_timeout", message, false) });
        }
    }

    fn expire_lease(&mut self, leases_hold_until: Time) {
        if leases_hold_until > self.now {
            if let Some(lease) = &mut self.record.custody.lease {
                lease.expires_at = leases_hold_until;
            }
            return;
        }
        self.record.custody.lease_losses += 1;
        let is_hopeless = self.record.custody.lease_losses >= LEASE_LOSSES_MAX;
        match self.job().state {
            State::Cancelling => self.finish_cancelled(CancelMode::Forced),
            State::Running if !is_hopeless && self.has_attempts_left() => {
                self.requeue(QueueReason::WorkerLost, self.now, None);
            }
            // Leased but never begun: nothing that the log tells has changed.
            State::Queued if !is_hopeless => self.record.custody.lease = None,
            State::Scheduled
            | State::Queued
            | State::Running
            | State::Completed
            | State::Failed
            | State::Cancelled => {
                let message = "the job's workers were lost too often".to_owned();
                self.finish(Event::Failed { error: fault("worker_lost", message, true) });
            }
        }
    }
}

fn fault(code: &str, message: String, retryable: bool) -> Fault {
    Fault { code: code.into(), message, retryable }
}
