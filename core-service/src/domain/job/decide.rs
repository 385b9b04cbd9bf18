//! What a command does to a job.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;

use super::event::{CancelMode, Entry, Event, QueueReason};
use super::{
    CancelRequest, Command, Custody, End, Fault, Job, Lease, OutputChunk, Pending, Progress,
    ProgressUpdate, Record, Refusal, Report, Spec, State, Taker, Usage,
};
use crate::domain::limits;
use crate::domain::time::Time;

/// What a command comes to: the record after it, and the events that tell of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The record after the command.
    pub record: Record,
    /// What to log. Empty when only the custody changed, or nothing.
    pub entries: Vec<Entry>,
}

impl Decision {
    /// Gives the job that is created to its first worker, if it is to be had; else it waits like any
    /// other.
    pub fn give_to(&mut self, taker: Taker, now: Time) {
        let Taker { worker, ttl } = taker;
        if let Ok(leased) = self.record.decide(Command::Lease { worker, ttl }, now) {
            self.record = leased.record;
        }
    }
}

impl Record {
    /// Creates a job.
    #[must_use]
    pub fn create(spec: Spec) -> Decision {
        let now = spec.created_at;
        let spec = Arc::new(spec);
        let record = Record { job: Job::created(Arc::clone(&spec)), custody: Custody::default() };
        let mut draft = Draft { record, entries: Vec::new(), now };
        draft.log(Event::Created(spec));
        draft.done()
    }

    /// Decides what `command` does at the moment `now`.
    ///
    /// # Errors
    /// When the job's state, the fence or a value forbids it. Nothing changes then.
    pub fn decide(&self, command: Command, now: Time) -> Result<Decision, Refusal> {
        let mut draft = Draft { record: self.clone(), entries: Vec::new(), now };
        match command {
            Command::Lease { worker, ttl } => draft.lease(worker, ttl)?,
            Command::Return { fence } => draft.take_back(fence)?,
            Command::Renew { fence, ttl } => draft.renew(fence, ttl)?,
            Command::Report(report) => draft.report(*report)?,
            Command::Cancel { reason, by, grace } => {
                draft.cancel(CancelRequest { reason, by }, grace);
            }
            Command::Tick { leases_hold_until } => draft.tick(leases_hold_until),
        }
        Ok(draft.done())
    }
}

/// A record being changed. Dropped when the command is refused.
pub(super) struct Draft {
    pub(super) record: Record,
    pub(super) entries: Vec<Entry>,
    pub(super) now: Time,
}

impl Draft {
    fn done(self) -> Decision {
        Decision { record: self.record, entries: self.entries }
    }

    pub(super) fn job(&self) -> &Job {
        &self.record.job
    }

    /// Folds an event into the job and logs it.
    pub(super) fn log(&mut self, event: Event) {
        self.record.job.apply(&event, self.now);
        let job = &self.record.job;
        self.entries.push(Entry {
            job_id: job.spec.id.clone(),
            state: job.state,
            attempt: job.attempt,
            percent: job.progress.percent,
            event,
        });
    }

    /// Logs a change of state: what is pending goes before it, in the same commit.
    fn log_state(&mut self, event: Event) {
        self.flush();
        self.log(event);
    }

    /// Logs what waits for the next progress event.
    pub(super) fn flush(&mut self) {
        let Some(pending) = self.record.custody.pending.take() else { return };
        if let Some(progress) = pending.progress {
            self.log(Event::Progressed(progress));
        }
        if let Some(usage) = pending.usage {
            self.log(Event::Used(usage));
        }
        self.record.custody.progressed_at = Some(self.now);
    }

    fn lease(&mut self, worker: String, ttl: Duration) -> Result<(), Refusal> {
        let spec = &self.job().spec;
        let is_free = self.job().state == State::Queued
            && self.record.custody.lease.is_none()
            && spec.pinned_worker.as_ref().is_none_or(|pinned| *pinned == worker);
        if !is_free {
            return Err(Refusal::NotFree);
        }
        self.record.custody.fence += 1;
        self.record.custody.report = 0;
        self.record.custody.lease = Some(Lease { worker, expires_at: self.now + ttl });
        Ok(())
    }

    fn take_back(&mut self, fence: u64) -> Result<(), Refusal> {
        if !self.record.is_held_under(fence) || self.job().state != State::Queued {
            return Err(Refusal::Fenced { fence });
        }
        self.record.custody.lease = None;
        Ok(())
    }

    fn renew(&mut self, fence: u64, ttl: Duration) -> Result<(), Refusal> {
        let expires_at = self.now + ttl;
        match &mut self.record.custody {
            Custody { lease: Some(lease), fence: held, .. } if *held == fence => {
                // A little is not worth a write: a busy worker reports many times a second.
                if expires_at >= lease.expires_at + limits::RENEWAL_STEP {
                    lease.expires_at = expires_at;
                }
                Ok(())
            }
            Custody { .. } => Err(Refusal::Fenced { fence }),
        }
    }

    fn report(&mut self, report: Report) -> Result<(), Refusal> {
        self.admit(&report)?;
        self.renew(report.fence, report.ttl)?;
        self.record.custody.report = report.number;
        if self.begins_with(&report) {
            self.start();
        }
        if let Some(update) = report.progress {
            let progress = self.advanced(update)?;
            self.pending().progress = Some(progress);
        }
        for chunk in joined(report.output) {
            self.write(chunk)?;
        }
        if let Some(usage) = report.usage {
            let total = self.record.custody.usage_before.plus(&usage)?;
            let total = total.at_least(&self.latest_usage());
            self.pending().usage = Some(total);
        }
        self.settle_pending();
        self.tell(report.events)?;
        match report.end {
            Some(end) => self.end_attempt(end),
            None => Ok(()),
        }
    }

    /// Lets a report in only from the holder of the lease, and in order.
    fn admit(&self, report: &Report) -> Result<(), Refusal> {
        let custody = &self.record.custody;
        if report.fence != custody.fence || report.fence == 0 {
            return Err(Refusal::Fenced { fence: report.fence });
        }
        // Before the lease: a report that ended the lease may come again when its answer was lost.
        if (1..=custody.report).contains(&report.number) {
            return Err(Refusal::Duplicate { number: custody.report });
        }
        if self.job().state.is_final() {
            return Err(Refusal::Ended);
        }
        if custody.lease.is_none() {
            return Err(Refusal::Fenced { fence: report.fence });
        }
        if report.number != custody.report + 1 {
            let expected = custody.report + 1;
            return Err(Refusal::OutOfOrder { number: report.number, expected });
        }
        Ok(())
    }

    /// Whether the attempt begins with this report. It does also where the job was asked to end before its
    /// worker had said anything: what the worker wrote and used until then is of an attempt of its own.
    /// A worker that only confirms the cancellation has not begun.
    fn begins_with(&self, report: &Report) -> bool {
        let job = self.job();
        match job.state {
            State::Queued => true,
            State::Cancelling => job.worker.is_none() && report.tells_of_work(),
            State::Scheduled
            | State::Running
            | State::Completed
            | State::Failed
            | State::Cancelled => false,
        }
    }

    fn start(&mut self) {
        let worker = self.record.custody.lease.as_ref().map(|lease| lease.worker.clone());
        self.record.custody.usage_before = self.job().usage.clone();
        self.record.custody.progressed_at = None;
        self.record.custody.event_bytes = 0;
        self.log_state(Event::Started { worker: worker.unwrap_or_default() });
    }

    fn pending(&mut self) -> &mut Pending {
        self.record.custody.pending.get_or_insert_default()
    }

    fn latest_progress(&self) -> Progress {
        let pending = self.record.custody.pending.as_ref().and_then(|p| p.progress.as_ref());
        pending.unwrap_or(&self.job().progress).clone()
    }

    fn latest_usage(&self) -> Usage {
        let pending = self.record.custody.pending.as_ref().and_then(|p| p.usage.as_ref());
        pending.unwrap_or(&self.job().usage).clone()
    }

    /// The progress after an update. Percent and counters never fall.
    fn advanced(&self, update: ProgressUpdate) -> Result<Progress, Refusal> {
        let mut progress = self.latest_progress();
        let in_range = |value: f64| (0.0..=100.0).contains(&value);
        let percent = match (update.percent, update.increment) {
            (Some(_), Some(_)) => {
                return Err(invalid("progress", "give percent or increment, not both"));
            }
            (Some(percent), None) if in_range(percent) => percent,
            (None, Some(step)) if in_range(step) => (progress.percent + step).min(100.0),
            (None, None) => progress.percent,
            (Some(_), None) => return Err(invalid("progress.percent", "must be 0 to 100")),
            (None, Some(_)) => return Err(invalid("progress.increment", "must be 0 to 100")),
        };
        progress.percent = progress.percent.max(percent);
        if let Some(message) = update.message {
            progress.message = message;
        }
        if let Some(stage) = update.stage {
            progress.stage = stage;
        }
        for (name, value) in update.counters {
            let counter = progress.counters.entry(name).or_insert(value);
            *counter = value.max(*counter);
        }
        if progress.counters.len() > limits::COUNTERS_MAX {
            return Err(invalid("progress.counters", "a job has at most 32"));
        }
        Ok(progress)
    }

    fn write(&mut self, chunk: OutputChunk) -> Result<(), Refusal> {
        let OutputChunk { channel, offset, data } = chunk;
        let output = &self.job().output;
        let expected = output.get(&channel).copied().unwrap_or(0);
        if offset != expected {
            return Err(Refusal::OutputGap { channel, offset, expected });
        }
        if !output.contains_key(&channel) && output.len() >= limits::OUTPUT_CHANNELS_MAX {
            return Err(invalid("output.channel", "a job has at most 16"));
        }
        if output.values().sum::<u64>() + data.len() as u64 > limits::OUTPUT_BYTES_MAX {
            return Err(invalid("output.data", "an attempt writes at most 1 GiB"));
        }
        if !data.is_empty() {
            self.log(Event::Output { channel, offset, data });
        }
        Ok(())
    }

    /// Logs pending progress if the last progress event is long enough ago; else it waits, durable in
    /// the custody, for the next tick or the next change of state.
    fn settle_pending(&mut self) {
        let job = &self.record.job;
        if let Some(pending) = &mut self.record.custody.pending {
            pending.progress.take_if(|progress| *progress == job.progress);
            pending.usage.take_if(|usage| *usage == job.usage);
            if *pending == Pending::default() {
                self.record.custody.pending = None;
                return;
            }
        }
        if self.flush_due_at().is_some_and(|due| due <= self.now) {
            self.flush();
        }
    }

    fn end_attempt(&mut self, end: End) -> Result<(), Refusal> {
        let is_cancelling = self.job().state == State::Cancelling;
        match end {
            // Work that was finished before the cancellation reached it stands.
            End::Completed(result) => self.finish(Event::Completed { result }),
            End::Cancelled if !is_cancelling => return Err(Refusal::NotCancelling),
            End::Cancelled | End::Failed { .. } | End::Released if is_cancelling => {
                self.finish_cancelled(CancelMode::Acknowledged);
            }
            End::Failed { error, retry_after } => self.fail_attempt(error, retry_after),
            End::Cancelled | End::Released => self.give_back(),
        }
        Ok(())
    }

    /// Another worker gets it, unharmed. A job that none of them keeps would go round for ever.
    fn give_back(&mut self) {
        if self.record.custody.released >= limits::RELEASES_MAX {
            let message = "the job's workers gave it back too often".to_owned();
            let error = Fault { code: "worker_lost".into(), message, retryable: true };
            return self.fail_attempt(error, None);
        }
        self.record.custody.released += 1;
        self.requeue(QueueReason::Released, self.now, None);
    }

    /// Retries, or fails for good.
    pub(super) fn fail_attempt(&mut self, error: Fault, retry_after: Option<Duration>) {
        let job = self.job();
        let policy = &job.spec.retry;
        let wait = retry_after.unwrap_or_else(|| policy.backoff(&job.spec.id, job.attempt));
        let run_at = self.now + wait;
        let in_time = job.spec.timeouts.total.is_none_or(|t| run_at < job.spec.created_at + t);
        if error.retryable && self.has_attempts_left() && in_time {
            self.requeue(QueueReason::Retry, run_at, Some(error));
        } else {
            self.finish(Event::Failed { error });
        }
    }

    pub(super) fn has_attempts_left(&self) -> bool {
        let counted = self.job().attempt.saturating_sub(self.record.custody.released);
        counted < self.job().spec.retry.max_attempts
    }

    pub(super) fn requeue(&mut self, reason: QueueReason, run_at: Time, error: Option<Fault>) {
        self.log_state(Event::Queued { reason, run_at, error });
        self.record.custody.lease = None;
    }

    pub(super) fn finish_cancelled(&mut self, mode: CancelMode) {
        let reason = self.job().cancel.as_ref().map(|cancel| cancel.reason.clone());
        self.finish(Event::Cancelled { reason: reason.unwrap_or_default(), mode });
    }

    /// Ends the job. The fence and the last report's number stay, so that the report that ended it is
    /// known when it comes again.
    pub(super) fn finish(&mut self, event: Event) {
        self.log_state(event);
        self.record.custody.lease = None;
        self.record.custody.cancel_by = None;
    }

    fn cancel(&mut self, request: CancelRequest, grace: Duration) {
        match self.job().state {
            State::Completed | State::Failed | State::Cancelled | State::Cancelling => {}
            State::Scheduled | State::Queued if self.record.custody.lease.is_none() => {
                let CancelRequest { reason, .. } = request;
                self.finish(Event::Cancelled { reason, mode: CancelMode::BeforeStart });
            }
            State::Scheduled | State::Queued | State::Running => {
                self.log_state(Event::CancelRequested(request));
                self.record.custody.cancel_by = Some(self.now + grace);
            }
        }
    }
}

impl Usage {
    /// The numbers, to compute with.
    #[must_use]
    pub fn numbers(&self) -> [i64; 6] {
        [
            self.input_tokens,
            self.output_tokens,
            self.cached_input_tokens,
            self.reasoning_tokens,
            self.total_tokens,
            self.cost_micros,
        ]
    }

    fn from_numbers(numbers: [i64; 6], model: String) -> Usage {
        let [input, output, cached, reasoning, total, cost] = numbers;
        Usage {
            input_tokens: input,
            output_tokens: output,
            cached_input_tokens: cached,
            reasoning_tokens: reasoning,
            total_tokens: total,
            cost_micros: cost,
            model,
        }
    }

    /// What was used since this was all.
    #[must_use]
    pub fn since(&self, before: &Usage) -> Usage {
        let mut numbers = self.numbers();
        for (number, before) in numbers.iter_mut().zip(before.numbers()) {
            *number = number.saturating_sub(before);
        }
        Usage::from_numbers(numbers, self.model.clone())
    }

    fn plus(&self, more: &Usage) -> Result<Usage, Refusal> {
        let mut numbers = self.numbers();
        for (sum, number) in numbers.iter_mut().zip(more.numbers()) {
            if !(0..=limits::USAGE_MAX).contains(&number) {
                return Err(invalid("usage", "every number must be 0 to 2^50"));
            }
            *sum = sum.saturating_add(number);
        }
        let model = if more.model.is_empty() { &self.model } else { &more.model };
        Ok(Usage::from_numbers(numbers, model.clone()))
    }

    fn at_least(&self, floor: &Usage) -> Usage {
        let mut numbers = self.numbers();
        for (number, least) in numbers.iter_mut().zip(floor.numbers()) {
            *number = least.max(*number);
        }
        Usage::from_numbers(numbers, self.model.clone())
    }
}

/// Joins chunks that follow each other in one channel: one event for what was written at once.
fn joined(chunks: Vec<OutputChunk>) -> Vec<OutputChunk> {
    let mut joined: Vec<OutputChunk> = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        match joined.last_mut() {
            Some(last)
                if last.channel == chunk.channel
                    && last.offset + last.data.len() as u64 == chunk.offset
                    && last.data.len() + chunk.data.len() <= limits::OUTPUT_CHUNK_BYTES_MAX =>
            {
                let mut data = BytesMut::from(&last.data[..]);
                data.extend_from_slice(&chunk.data);
                last.data = data.freeze();
            }
            Some(_) | None => joined.push(chunk),
        }
    }
    joined
}

pub(super) fn invalid(field: &'static str, problem: &str) -> Refusal {
    Refusal::Invalid { field, problem: problem.into() }
}
