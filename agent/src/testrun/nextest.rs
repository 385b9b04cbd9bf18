//! What `cargo nextest run` writes: a status in the first twelve columns, then time, binary and test.

use std::collections::BTreeMap;

use super::case::{Case, Found, Status};

/// Statuses are right-aligned to this column.
const STATUS_WIDTH: usize = 12;
/// Failed tries whose test may yet pass. Beyond them a failed try counts as a failure at once.
const TRIED_MAX: usize = 1000;

/// Where in the output it stands.
#[derive(Debug, Default)]
pub(super) struct Parser {
    /// Tests whose last try failed, with that.
    tried: BTreeMap<String, Case>,
    /// Behind the summary the failures are told again.
    is_over: bool,
}

impl Parser {
    pub(super) fn line(&mut self, line: &str) -> Vec<Found> {
        let Some((word, rest)) = split(line) else { return Vec::new() };
        if word == "Starting" {
            self.is_over = false;
            let count = rest.split(' ').next().and_then(|count| count.parse().ok());
            return count.map(Found::Planned).into_iter().collect();
        }
        if word == "Summary" {
            self.is_over = true;
        }
        if self.is_over {
            return Vec::new();
        }
        let (is_try, word) = match word.strip_prefix("TRY ").and_then(|rest| rest.split_once(' ')) {
            Some((_, word)) => (true, word),
            None => (false, word),
        };
        let status = status(word).or(is_try.then_some(Status::Failed));
        let Some(case) = status.and_then(|status| case(rest, status, word)) else {
            return Vec::new();
        };
        let id = format!("{} {}", case.suite.as_deref().unwrap_or_default(), case.name);
        self.tried.remove(&id);
        if is_try && case.status == Status::Failed && self.tried.len() < TRIED_MAX {
            self.tried.insert(id, case);
            return Vec::new();
        }
        vec![case.into()]
    }

    /// The tests that never passed.
    pub(super) fn finish(&mut self) -> impl Iterator<Item = Found> {
        std::mem::take(&mut self.tried).into_values().map(Found::from)
    }
}

/// The status, and what follows it. Text that tests wrote does not stand like this.
fn split(line: &str) -> Option<(&str, &str)> {
    let (status, rest) = line.split_at_checked(STATUS_WIDTH)?;
    let rest = rest.strip_prefix(' ')?;
    let is_word = !status.ends_with(' ') && !rest.starts_with(' ');
    is_word.then(|| (status.trim_start(), rest))
}

/// None where it says why a try failed in fewer letters, such as `ABRT`, `TMT` or `FL+LK`.
fn status(word: &str) -> Option<Status> {
    match word {
        "PASS" | "LEAK" | "TIMEOUT-PASS" | "TMPASS" => Some(Status::Passed),
        "FAIL" | "FAIL + LEAK" | "LEAK-FAIL" | "TIMEOUT" | "XFAIL" => Some(Status::Failed),
        "SKIP" => Some(Status::Skipped),
        signal if signal.starts_with("SIG") || signal.starts_with("ABORT") => Some(Status::Failed),
        flaky if flaky.starts_with("FLAKY") => Some(Status::Passed),
        _ => None,
    }
}

/// `[   0.005s] (1/3) name::binary module::test`, the counter only in later versions. `[> 60.000s]` is of
/// a test that still runs.
fn case(rest: &str, status: Status, word: &str) -> Option<Case> {
    let (time, rest) = rest.strip_prefix('[')?.split_once(']')?;
    let seconds = time.trim().trim_end_matches('s');
    if seconds.parse::<f64>().is_err() && status != Status::Skipped {
        return None;
    }
    let rest = rest.trim_start();
    let rest = match rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
        Some((_, rest)) => rest.trim_start(),
        None => rest,
    };
    let (suite, name) = rest.split_once(' ')?;
    let case = Case::new(name, status).of(Some(suite)).taking(seconds);
    let says_why = status == Status::Failed && word != "FAIL";
    Some(if says_why { case.because(word) } else { case })
}
