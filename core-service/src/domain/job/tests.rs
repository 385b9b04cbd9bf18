//! The job's rules as tables: what came before, what is asked, what comes of it.

mod invariants;

use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::domain::limits::{
    JOB_EVENTS_AT_ONCE, JOB_EVENTS_BYTES_MAX, JOB_EVENTS_PER_SECOND, LEASE, LEASE_LOSSES_MAX,
    PROGRESS_INTERVAL, RELEASES_MAX, USAGE_MAX,
};
use crate::domain::time::Time;

const W1: &str = "worker-1";
const W2: &str = "worker-2";
const START: u64 = 1_000_000;

/// Seconds after the job's creation.
fn at(seconds: u64) -> Time {
    Time(START + seconds * 1000)
}

fn spec() -> Spec {
    Spec::new("j1", "report", ("default", "alice"), at(0))
}

fn lease(worker: &str) -> Command {
    Command::Lease { worker: worker.into(), ttl: LEASE }
}

fn blank(fence: u64, number: u64) -> Report {
    let (progress, usage, end) = (None, None, None);
    Report { fence, number, ttl: LEASE, progress, output: vec![], usage, events: vec![], end }
}

fn started(fence: u64) -> Command {
    Command::Report(Box::new(blank(fence, 1)))
}

fn progress(fence: u64, number: u64, percent: f64) -> Command {
    let update = ProgressUpdate { percent: Some(percent), ..ProgressUpdate::default() };
    Command::Report(Box::new(Report { progress: Some(update), ..blank(fence, number) }))
}

fn output(fence: u64, number: u64, offset: u64, text: &'static str) -> Command {
    let chunk =
        OutputChunk { channel: "stdout".into(), offset, data: Bytes::from_static(text.as_bytes()) };
    Command::Report(Box::new(Report { output: vec![chunk], ..blank(fence, number) }))
}

fn said(text: &str) -> Reported {
    Reported { kind: "said".into(), payload: Payload::json(text.to_owned()) }
}

fn says(fence: u64, number: u64, events: Vec<Reported>) -> Command {
    Command::Report(Box::new(Report { events, ..blank(fence, number) }))
}

fn end(fence: u64, number: u64, end: End) -> Command {
    Command::Report(Box::new(Report { end: Some(end), ..blank(fence, number) }))
}

fn failed(retryable: bool) -> End {
    let error = Fault { code: "boom".into(), message: "it broke".into(), retryable };
    End::Failed { error, retry_after: None }
}

fn cancel() -> Command {
    let grace = Duration::from_secs(10);
    Command::Cancel { reason: "enough".into(), by: "alice".into(), grace }
}

fn tick() -> Command {
    Command::Tick { leases_hold_until: Time(0) }
}

/// A job with a history; every command in it must be accepted.
fn job(history: impl IntoIterator<Item = (u64, Command)>) -> Record {
    history.into_iter().fold(Record::create(spec()).record, |record, (seconds, command)| {
        record.decide(command, at(seconds)).expect("the history is lawful").record
    })
}

fn kinds(decision: &Decision) -> Vec<&str> {
    decision.entries.iter().map(|entry| entry.event.kind()).collect()
}

/// Asks a job something and compares the events that it answers.
fn check(record: &Record, seconds: u64, command: Command, expected: &[&str]) -> Record {
    let decision = record.decide(command, at(seconds)).expect("accepted");
    assert_eq!(kinds(&decision), expected);
    decision.record
}

fn refuse(record: &Record, seconds: u64, command: Command) -> Refusal {
    record.decide(command, at(seconds)).expect_err("refused")
}

#[test]
fn a_job_goes_from_queued_through_running_to_completed() {
    let record = job([]);
    let record = check(&record, 1, lease(W1), &[]);
    let record = check(&record, 1, started(1), &["job.started"]);
    let record = check(&record, 2, progress(1, 2, 40.0), &["job.progress"]);
    let record = check(&record, 3, output(1, 3, 0, "hello"), &["job.output"]);
    let result = Some(Payload::json("{}"));
    let record = check(&record, 4, end(1, 4, End::Completed(result)), &["job.completed"]);
    assert_eq!((record.job.state, record.job.progress.percent), (State::Completed, 100.0));
    assert_eq!((record.job.started_at, record.job.ended_at), (Some(at(1)), Some(at(4))));
    assert_eq!(record.deadline(), None);
}

#[test]
fn a_delayed_job_is_queued_when_its_time_has_come() {
    let spec = Spec { run_at: at(60), ..spec() };
    let record = Record::create(spec).record;
    assert_eq!((record.job.state, record.deadline()), (State::Scheduled, Some(at(60))));
    assert_eq!(refuse(&record, 59, lease(W1)), Refusal::NotFree);
    let record = check(&record, 60, tick(), &["job.queued"]);
    check(&record, 60, lease(W1), &[]);
}

#[test]
fn a_job_can_have_a_worker_from_its_creation_if_it_is_to_be_had() {
    let taker = || Taker { worker: W1.into(), ttl: LEASE };
    let given = |spec: Spec| {
        let mut created = Record::create(spec);
        created.give_to(taker(), at(1));
        created
    };
    let Decision { record, entries } = given(spec());
    assert_eq!(entries, Record::create(spec()).entries, "its log begins like any other");
    let lease = Lease { worker: W1.into(), expires_at: at(1) + LEASE };
    assert_eq!((record.custody.fence, &record.custody.lease), (1, &Some(lease)));
    assert_eq!(record.job.state, State::Queued);
    check(&record, 2, started(1), &["job.started"]);
    let pinned = Spec { pinned_worker: Some(W2.into()), ..spec() };
    for other in [pinned, Spec { run_at: at(60), ..spec() }] {
        assert_eq!(given(other.clone()), Record::create(other));
    }
}

#[test]
fn a_stale_worker_cannot_finish_its_successors_job() {
    let record =
        job([(0, lease(W1)), (0, started(1)), (16, tick()), (17, lease(W2)), (17, started(2))]);
    assert_eq!(refuse(&record, 18, progress(1, 2, 50.0)), Refusal::Fenced { fence: 1 });
    assert_eq!(refuse(&record, 18, end(1, 2, End::Completed(None))), Refusal::Fenced { fence: 1 });
    let beat = Command::Renew { fence: 1, ttl: LEASE };
    assert_eq!(refuse(&record, 18, beat), Refusal::Fenced { fence: 1 });
    assert_eq!((record.job.attempt, record.job.worker.as_deref()), (2, Some(W2)));
}

#[test]
fn a_lost_worker_gives_its_job_back_and_too_many_lost_workers_end_it() {
    let mut record = job([]);
    let mut now = 0;
    for loss in 1..=LEASE_LOSSES_MAX {
        record = check(&record, now, lease(W1), &[]);
        record = check(&record, now, started(u64::from(loss)), &["job.started"]);
        now += 15;
        let is_last = loss == LEASE_LOSSES_MAX;
        let expected = if is_last { "job.failed" } else { "job.queued" };
        record = check(&record, now, tick(), &[expected]);
    }
    assert_eq!(record.job.error.map(|error| error.code).as_deref(), Some("worker_lost"));
}

#[test]
fn a_worker_that_never_began_loses_its_lease_without_a_trace() {
    let record = job([(0, lease(W1))]);
    let record = check(&record, 15, tick(), &[]);
    assert_eq!((record.job.state, record.job.attempt), (State::Queued, 0));
    check(&record, 15, lease(W2), &[]);
}

#[test]
fn no_lease_is_lost_before_workers_could_come_back() {
    let record = job([(0, lease(W1)), (0, started(1))]);
    let hold = Command::Tick { leases_hold_until: at(35) };
    let record = check(&record, 20, hold, &[]);
    assert_eq!(record.deadline(), Some(at(35)));
    check(&record, 34, Command::Renew { fence: 1, ttl: LEASE }, &[]);
}

#[test]
fn a_repeated_report_is_known_and_a_skipped_one_refused() {
    let record = job([(0, lease(W1)), (0, started(1)), (1, progress(1, 2, 10.0))]);
    assert_eq!(refuse(&record, 2, progress(1, 2, 90.0)), Refusal::Duplicate { number: 2 });
    let skipped = Refusal::OutOfOrder { number: 4, expected: 3 };
    assert_eq!(refuse(&record, 2, progress(1, 4, 90.0)), skipped);
    let record = check(&record, 3, end(1, 3, End::Completed(None)), &["job.completed"]);
    assert_eq!(
        refuse(&record, 4, end(1, 3, End::Completed(None))),
        Refusal::Duplicate { number: 3 }
    );
    assert_eq!(refuse(&record, 4, progress(1, 4, 99.0)), Refusal::Ended);
}

#[test]
fn progress_out_of_range_changes_nothing() {
    let record = job([(0, lease(W1)), (0, started(1))]);
    for wrong in [-1.0, 100.1, 150.0, f64::NAN, f64::INFINITY] {
        let refusal = refuse(&record, 1, progress(1, 2, wrong));
        assert!(matches!(refusal, Refusal::Invalid { field: "progress.percent", .. }), "{wrong}");
    }
    check(&record, 1, progress(1, 2, 100.0), &["job.progress"]);
}

#[test]
fn small_steps_are_merged_and_the_last_value_always_arrives() {
    let record = job([(0, lease(W1)), (0, started(1)), (1, progress(1, 2, 10.0))]);
    let record = check(&record, 1, progress(1, 3, 20.0), &[]);
    let record = check(&record, 1, progress(1, 4, 30.0), &[]);
    assert_eq!(record.job.progress.percent, 10.0, "not logged yet, so not shown yet");
    let due = record.deadline().expect("it waits");
    assert_eq!(due, at(1) + PROGRESS_INTERVAL);
    let decision = record.decide(tick(), due).expect("accepted");
    assert_eq!(kinds(&decision), ["job.progress"]);
    assert_eq!(decision.record.job.progress.percent, 30.0);
}

#[test]
fn what_is_pending_goes_before_the_end_in_the_same_commit() {
    let record = job([
        (0, lease(W1)),
        (0, started(1)),
        (1, progress(1, 2, 10.0)),
        (1, progress(1, 3, 60.0)),
    ]);
    check(&record, 1, end(1, 4, failed(false)), &["job.progress", "job.failed"]);
}

#[test]
fn a_failed_attempt_is_retried_after_its_wait_until_attempts_run_out() {
    let mut record = job([]);
    let mut now = 0;
    for attempt in 1..=3 {
        record = check(&record, now, lease(W1), &[]);
        record = check(&record, now, started(attempt), &["job.started"]);
        let is_last = attempt == 3;
        let expected = if is_last { "job.failed" } else { "job.queued" };
        record = check(&record, now, end(attempt, 2, failed(true)), &[expected]);
        if !is_last {
            assert_eq!(record.job.state, State::Scheduled);
            now += 5;
            record = check(&record, now, tick(), &["job.queued"]);
        }
    }
    assert_eq!(record.job.state, State::Failed);
}

#[test]
fn an_error_that_is_not_retryable_ends_the_job_at_once() {
    let record = job([(0, lease(W1)), (0, started(1))]);
    check(&record, 1, end(1, 2, failed(false)), &["job.failed"]);
}

#[test]
fn a_released_job_waits_again_and_its_attempt_does_not_count() {
    let mut record = Record::create(Spec {
        retry: RetryPolicy { max_attempts: 1, ..RetryPolicy::default() },
        ..spec()
    })
    .record;
    for fence in 1..=5 {
        record = check(&record, fence, lease(W1), &[]);
        record = check(&record, fence, started(fence), &["job.started"]);
        record = check(&record, fence, end(fence, 2, End::Released), &["job.queued"]);
    }
    assert_eq!((record.job.state, record.job.attempt), (State::Queued, 5));
}

#[test]
fn a_job_that_nobody_keeps_ends() {
    let mut record = Record::create(spec()).record;
    for fence in 1..=u64::from(RELEASES_MAX) {
        record = job_after(record, [(1, lease(W1)), (1, end(fence, 1, End::Released))]);
    }
    assert_eq!((record.job.state, record.job.attempt), (State::Queued, RELEASES_MAX));
    for fence in u64::from(RELEASES_MAX) + 1.. {
        let run_at = record.job.run_at.0.saturating_sub(START).div_ceil(1000);
        if record.job.state == State::Scheduled {
            record = check(&record, run_at, tick(), &["job.queued"]);
        }
        record = job_after(record, [(run_at, lease(W1)), (run_at, end(fence, 1, End::Released))]);
        if record.job.state.is_final() {
            break;
        }
    }
    assert_eq!(record.job.attempt, RELEASES_MAX + spec().retry.max_attempts);
    assert_eq!(record.job.error.expect("an error").code, "worker_lost");
}

#[test]
fn work_that_a_cancellation_overtook_is_of_an_attempt_of_its_own() {
    let used = |fence, number, total_tokens| {
        let usage = Some(Usage { total_tokens, ..Usage::default() });
        Command::Report(Box::new(Report { usage, ..blank(fence, number) }))
    };
    let record = job([
        (0, lease(W1)),
        (0, output(1, 1, 0, "abc")),
        (1, used(1, 2, 100)),
        (2, end(1, 3, End::Released)),
        (3, lease(W2)),
        (4, cancel()),
    ]);
    check(&record, 5, end(2, 1, End::Cancelled), &["job.cancelled"]);
    let record = check(&record, 5, output(2, 1, 0, "new"), &["job.started", "job.output"]);
    assert_eq!((record.job.state, record.job.attempt), (State::Cancelling, 2));
    let record = check(&record, 6, used(2, 2, 50), &["job.usage"]);
    assert_eq!(record.job.usage.total_tokens, 150, "what was spent stays");
    check(&record, 7, end(2, 3, End::Cancelled), &["job.cancelled"]);
    check(&record, 7, end(2, 3, End::Completed(None)), &["job.completed"]);
}

#[test]
fn cancelling_what_waits_ends_it_at_once() {
    let record = check(&job([]), 1, cancel(), &["job.cancelled"]);
    check(&record, 2, cancel(), &[]);
}

#[test]
fn cancelling_what_runs_asks_the_worker_and_waits_for_the_grace() {
    let record = job([(0, lease(W1)), (0, started(1))]);
    let record = check(&record, 1, cancel(), &["job.cancel_requested"]);
    check(&record, 2, cancel(), &[]);
    check(&record, 2, end(1, 2, End::Cancelled), &["job.cancelled"]);
    check(&record, 2, end(1, 2, End::Completed(None)), &["job.completed"]);
    check(&record, 2, end(1, 2, failed(true)), &["job.cancelled"]);
    let forced = check(&record, 11, tick(), &["job.cancelled"]);
    assert_eq!(refuse(&forced, 12, end(1, 2, End::Completed(None))), Refusal::Ended);
}

#[test]
fn a_worker_cannot_cancel_what_nobody_asked_to_cancel() {
    let record = job([(0, lease(W1)), (0, started(1))]);
    assert_eq!(refuse(&record, 1, end(1, 2, End::Cancelled)), Refusal::NotCancelling);
}

#[test]
fn output_joins_on_or_is_refused() {
    let record = job([(0, lease(W1)), (0, started(1)), (1, output(1, 2, 0, "abc"))]);
    let gap = Refusal::OutputGap { channel: "stdout".into(), offset: 4, expected: 3 };
    assert_eq!(refuse(&record, 2, output(1, 3, 4, "x")), gap);
    let record = check(&record, 2, output(1, 3, 3, "def"), &["job.output"]);
    assert_eq!(record.job.output["stdout"], 6);
}

#[test]
fn a_new_attempt_begins_clean() {
    let record = job([
        (0, lease(W1)),
        (0, started(1)),
        (1, progress(1, 2, 70.0)),
        (1, output(1, 3, 0, "abc")),
        (16, tick()),
    ]);
    let record = job_after(record, [(17, lease(W2)), (17, started(2))]);
    assert_eq!((record.job.progress.percent, record.job.output.len()), (0.0, 0));
    check(&record, 18, output(2, 2, 0, "new"), &["job.output"]);
}

fn job_after(record: Record, history: impl IntoIterator<Item = (u64, Command)>) -> Record {
    history.into_iter().fold(record, |record, (seconds, command)| {
        record.decide(command, at(seconds)).expect("the history is lawful").record
    })
}

#[test]
fn a_job_that_no_worker_takes_fails_in_time() {
    let timeouts = Timeouts { schedule_to_start: Duration::from_secs(60), ..Timeouts::default() };
    let record = Record::create(Spec { timeouts, ..spec() }).record;
    assert_eq!(record.deadline(), Some(at(60)));
    let record = check(&record, 60, tick(), &["job.failed"]);
    assert_eq!(record.job.error.map(|error| error.code).as_deref(), Some("no_worker"));
}

#[test]
fn timeouts_end_an_attempt_and_a_job() {
    let timeouts = Timeouts {
        attempt: Some(Duration::from_secs(5)),
        total: Some(Duration::from_secs(12)),
        ..Timeouts::default()
    };
    let record = Record::create(Spec { timeouts, ..spec() }).record;
    let record = job_after(record, [(0, lease(W1)), (0, started(1))]);
    let record = check(&record, 5, tick(), &["job.queued"]);
    assert_eq!(refuse(&record, 5, progress(1, 2, 50.0)), Refusal::Fenced { fence: 1 });
    let record = job_after(record, [(7, tick()), (7, lease(W2)), (8, started(2))]);
    let record = check(&record, 12, tick(), &["job.failed"]);
    assert_eq!(record.job.error.map(|error| error.code).as_deref(), Some("job_timeout"));
}

#[test]
fn a_pinned_job_is_its_workers_alone() {
    let record = Record::create(Spec { pinned_worker: Some(W1.into()), ..spec() }).record;
    assert_eq!(refuse(&record, 0, lease(W2)), Refusal::NotFree);
    check(&record, 0, lease(W1), &[]);
}

#[test]
fn a_worker_says_something_between_what_came_before_and_the_end() {
    let record = job([(0, lease(W1)), (0, started(1)), (1, progress(1, 2, 10.0))]);
    let report = Report {
        progress: Some(ProgressUpdate { percent: Some(20.0), ..ProgressUpdate::default() }),
        usage: Some(Usage { total_tokens: 7, ..Usage::default() }),
        events: vec![said("{}"), Reported { kind: "answer".into(), ..said("{}") }],
        ..blank(1, 3)
    };
    let ended = Report { end: Some(End::Completed(None)), ..report.clone() };
    let report = Command::Report(Box::new(report));
    // Progress was told a moment ago: it keeps its rate, and waits.
    let told = check(&record, 1, report, &["job.usage", "said", "answer"]);
    check(&told, 2, tick(), &["job.progress"]);
    let expected = ["job.usage", "said", "answer", "job.progress", "job.completed"];
    check(&record, 1, Command::Report(Box::new(ended)), &expected);
}

#[test]
fn what_a_worker_says_leaves_the_job_as_it_is() {
    let record = job([(0, lease(W1)), (0, started(1))]);
    let told = check(&record, 1, says(1, 2, vec![said("{}")]), &["said"]);
    assert_eq!(told.job, record.job);
    let again = refuse(&told, 1, says(1, 2, vec![said("{}")]));
    assert_eq!(again, Refusal::Duplicate { number: 2 });
}

#[test]
fn a_worker_that_says_too_much_at_once_is_told_when_to_go_on() {
    let many = |count| vec![said("{}"); usize::try_from(count).expect("fits")];
    let at_once = u64::from(JOB_EVENTS_AT_ONCE);
    let record = job([(0, lease(W1)), (0, started(1)), (1, says(1, 2, many(at_once)))]);
    let refused = refuse(&record, 1, says(1, 3, many(10)));
    let wait = Duration::from_millis(10 * 1000 / JOB_EVENTS_PER_SECOND);
    assert_eq!(refused, Refusal::TooFast { wait });
    let later = at(1) + wait;
    assert!(record.decide(says(1, 3, many(10)), later).is_ok());
}

#[test]
fn an_attempts_own_events_are_bounded_in_bytes_and_the_next_begins_anew() {
    let large = said(&" ".repeat(1 << 20));
    let fits = JOB_EVENTS_BYTES_MAX >> 20;
    let fill = says(1, 2, vec![large.clone(); usize::try_from(fits).expect("fits")]);
    let record = job([(0, lease(W1)), (0, started(1)), (1, fill)]);
    let refused = refuse(&record, 2, says(1, 3, vec![large.clone()]));
    assert!(matches!(refused, Refusal::Invalid { field: "events", .. }));
    let lost = job_after(record, [(17, tick()), (18, lease(W2))]);
    check(&lost, 18, says(2, 1, vec![large]), &["job.started", "said"]);
}

#[test]
fn usage_is_cumulative_over_attempts_and_never_falls() {
    let used = |fence, number, total| {
        let usage = Some(Usage { total_tokens: total, ..Usage::default() });
        Command::Report(Box::new(Report { usage, ..blank(fence, number) }))
    };
    let record = job([(0, lease(W1)), (0, started(1)), (1, used(1, 2, 100)), (2, used(1, 3, 80))]);
    assert_eq!(record.job.usage.total_tokens, 100);
    let record =
        job_after(record, [(17, tick()), (18, lease(W2)), (18, started(2)), (19, used(2, 2, 30))]);
    assert_eq!(record.job.usage.total_tokens, 130);
    for wrong in [-1, USAGE_MAX + 1] {
        let refused = refuse(&record, 20, used(2, 3, wrong));
        assert!(matches!(refused, Refusal::Invalid { field: "usage", .. }));
    }
}
