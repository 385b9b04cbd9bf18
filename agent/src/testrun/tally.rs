//! Counts a run's cases and makes reports of them. Pure: what was read goes in, news come out.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use roomcast_client::Event;
use roomcast_client::proto::agent;
use roomcast_client::worker::{Failure, News, Progress};
use serde::Serialize;

use super::case::{Case, Found, Status};
use super::ending::Ending;
use super::format::Reader;
use crate::workspace::Format;

/// The channel of the job's output: both of the command's streams, in the order written.
const CHANNEL: &str = "stdout";
/// Events in one report; the core takes 256.
const EVENTS_EACH_MAX: usize = 128;
/// Output that goes as one report.
const FLUSH_BYTES: usize = 32 * 1024;
/// Cases that are told one by one. Beyond them they are counted: at 200 events a second, more would
/// make the run longer than its tests.
const CASES_MAX: u64 = 10_000;

/// A run so far.
#[derive(Debug)]
pub(super) struct Tally {
    format: Format,
    reader: Reader,
    totals: Totals,
    planned: Option<u64>,
    output: Vec<u8>,
    cases: Vec<Case>,
}

/// How many cases went how.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Totals {
    passed: u64,
    failed: u64,
    skipped: u64,
    errors: u64,
    total: u64,
}

/// What `test_started` tells.
#[derive(Debug, Serialize)]
struct Started<'a> {
    command: &'a str,
    format: Format,
}

/// What `test_completed` tells, which is the job's result too.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Completed {
    outcome: Outcome,
    #[serde(flatten)]
    totals: Totals,
    /// None when a signal ended the command.
    exit_code: Option<i32>,
    signal: Option<i32>,
    duration_ms: u64,
}

/// What the run came to.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// The command says that all is well, and no case says otherwise.
    Passed,
    Failed,
    Cancelled,
    TimedOut,
    OutputLimit,
}

impl Tally {
    pub(super) fn new(format: Format) -> Self {
        Self {
            format,
            reader: Reader::of(format),
            totals: Totals::default(),
            planned: None,
            output: Vec::new(),
            cases: Vec::new(),
        }
    }

    /// The first news of a run.
    pub(super) fn started(&self, command: &str) -> Result<News, Failure> {
        let started = Started { command, format: self.format };
        Ok(News::new().event(event(agent::TEST_STARTED, &started)?))
    }

    /// Adds what the command wrote.
    pub(super) fn write(&mut self, data: &[u8]) {
        let found = self.reader.push(data);
        self.output.extend_from_slice(data);
        self.take(found);
    }

    /// The command writes no more.
    pub(super) fn finish(&mut self) {
        let found = self.reader.finish();
        self.take(found);
    }

    /// Adds what was found, wherever it was.
    pub(super) fn take(&mut self, found: Vec<Found>) {
        for found in found {
            match found {
                Found::Planned(count) => self.planned = Some(count),
                Found::Case(case) => {
                    self.totals.count(case.status);
                    if self.totals.total <= CASES_MAX {
                        self.cases.push(case);
                    }
                }
            }
        }
    }

    /// Whether it must go now.
    pub(super) fn is_full(&self) -> bool {
        self.output.len() >= FLUSH_BYTES || self.cases.len() >= EVENTS_EACH_MAX
    }

    /// What was not told yet, in reports that the core takes.
    pub(super) fn news(&mut self) -> Vec<News> {
        if self.output.is_empty() && self.cases.is_empty() {
            return Vec::new();
        }
        let head = News::new().output(CHANNEL, std::mem::take(&mut self.output));
        let head = head.progress(self.progress());
        let cases = std::mem::take(&mut self.cases);
        let mut parts = cases.chunks(EVENTS_EACH_MAX);
        let mut all = vec![results(head, parts.next().unwrap_or_default())];
        all.extend(parts.map(|part| results(News::new(), part)));
        all
    }

    /// What the run came to.
    pub(super) fn completed(&self, ending: &Ending, took: Duration) -> Completed {
        let status = match ending {
            Ending::Exited(status) => Some(status),
            Ending::Cancelled | Ending::TimedOut | Ending::TooMuchOutput => None,
        };
        let has_passed = |status: &&ExitStatus| {
            status.success() && self.totals.failed == 0 && self.totals.errors == 0
        };
        Completed {
            outcome: match ending {
                Ending::Exited(_) if status.as_ref().is_some_and(has_passed) => Outcome::Passed,
                Ending::Exited(_) => Outcome::Failed,
                Ending::Cancelled => Outcome::Cancelled,
                Ending::TimedOut => Outcome::TimedOut,
                Ending::TooMuchOutput => Outcome::OutputLimit,
            },
            totals: self.totals,
            exit_code: status.and_then(ExitStatus::code),
            signal: status.and_then(ExitStatus::signal),
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// The last news of a run.
    pub(super) fn rest(&mut self, completed: &Completed) -> Result<Vec<News>, Failure> {
        let mut all = self.news();
        all.push(News::new().event(event(agent::TEST_COMPLETED, completed)?));
        Ok(all)
    }

    /// How far, where the tool says how many cases there are.
    fn progress(&self) -> Progress {
        let Totals { passed, failed, skipped, errors, total } = self.totals;
        let message =
            format!("{passed} passed, {failed} failed, {skipped} skipped, {errors} errors");
        let progress = Progress::new().message(message);
        match self.planned.filter(|planned| (1..=*planned).contains(&total)) {
            Some(planned) => progress.percent(percent(total, planned)),
            None => progress,
        }
    }
}

impl Totals {
    fn count(&mut self, status: Status) {
        self.total += 1;
        match status {
            Status::Passed => self.passed += 1,
            Status::Failed => self.failed += 1,
            Status::Skipped => self.skipped += 1,
            Status::Error => self.errors += 1,
        }
    }
}

fn results(news: News, cases: &[Case]) -> News {
    // A case is text and numbers, which are always JSON.
    cases.iter().filter_map(|case| event(agent::TEST_RESULT, case).ok()).fold(news, News::event)
}

fn event(name: &str, value: &impl Serialize) -> Result<Event, Failure> {
    Event::json(name, value).map_err(|error| Failure::new("event_unwritable", error.to_string()))
}

#[allow(clippy::cast_precision_loss, reason = "no run has 2^52 cases")]
fn percent(done: u64, planned: u64) -> f64 {
    done as f64 * 100.0 / planned as f64
}

#[cfg(test)]
mod tests {
    use roomcast_client::proto::v1::Report;

    use super::*;

    fn tally(output: &str) -> Tally {
        let mut tally = Tally::new(Format::Tap);
        tally.write(output.as_bytes());
        tally.finish();
        tally
    }

    fn exited(wait_status: i32) -> Ending {
        Ending::Exited(ExitStatus::from_raw(wait_status))
    }

    fn outcome(output: &str, wait_status: i32) -> Outcome {
        tally(output).completed(&exited(wait_status), Duration::ZERO).outcome
    }

    #[test]
    fn a_run_has_passed_when_its_command_and_every_case_say_so() {
        assert_eq!(outcome("ok 1 - a\n", 0), Outcome::Passed);
        assert_eq!(outcome("not ok 1 - a\n", 0), Outcome::Failed);
        assert_eq!(outcome("ok 1 - a\n", 1 << 8), Outcome::Failed);
        assert_eq!(outcome("ok 1 - a\n", 9), Outcome::Failed);
        assert_eq!(outcome("ok 1 - a # SKIP no network\n", 0), Outcome::Passed);
    }

    #[test]
    fn totals_and_the_exit_are_told_at_the_end() {
        let mut tally = tally("1..4\nok 1\nnot ok 2\nok 3 # SKIP\nBail out!\n");
        let completed = tally.completed(&exited(3 << 8), Duration::from_millis(1500));
        let told = serde_json::to_value(&completed).unwrap();
        let expected = serde_json::json!({
            "outcome": "failed", "passed": 1, "failed": 1, "skipped": 1, "errors": 1, "total": 4,
            "exit_code": 3, "signal": null, "duration_ms": 1500,
        });
        assert_eq!(told, expected);
        let reports: Vec<Report> =
            tally.rest(&completed).unwrap().into_iter().map(Report::from).collect();
        let types: Vec<_> =
            reports.iter().flat_map(|report| &report.events).map(|event| &event.r#type).collect();
        assert_eq!(types[..4], ["test_result"; 4]);
        assert_eq!(types[4..], ["test_completed"]);
        assert_eq!(reports[0].progress.as_ref().unwrap().percent, Some(100.0));
    }

    #[test]
    fn a_report_holds_no_more_events_than_the_core_takes_and_a_run_no_more_than_are_told() {
        let output: String = (0..2 * CASES_MAX).map(|n| format!("ok {n}\n")).collect();
        let mut tally = tally(&output);
        let reports: Vec<Report> = tally.news().into_iter().map(Report::from).collect();
        assert!(reports.iter().all(|report| report.events.len() <= EVENTS_EACH_MAX));
        let told: usize = reports.iter().map(|report| report.events.len()).sum();
        assert_eq!((told as u64, tally.totals.total), (CASES_MAX, 2 * CASES_MAX));
        assert!(tally.news().is_empty(), "nothing is told twice");
    }
}
