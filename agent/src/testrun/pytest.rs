//! What pytest writes with `-v`, alone or with xdist's workers.

use super::case::{Case, Found, Status};

const WORDS: [(&str, Status); 6] = [
    ("PASSED", Status::Passed),
    ("FAILED", Status::Failed),
    ("SKIPPED", Status::Skipped),
    ("XFAIL", Status::Passed),
    ("XPASS", Status::Passed),
    ("ERROR", Status::Error),
];

/// Where in the output it stands.
#[derive(Debug, Default)]
pub(super) struct Parser {
    part: Part,
}

#[derive(Debug, Default, PartialEq)]
enum Part {
    /// Cases, each on its line.
    #[default]
    Cases,
    /// What failing tests wrote, which may look like anything.
    Reports,
    /// One line for each failure: here are the files that could not be collected.
    Summary,
}

impl Parser {
    pub(super) fn line(&mut self, line: &str) -> Vec<Found> {
        if line.starts_with("====") {
            self.part = if line.contains(" test session starts ") {
                Part::Cases
            } else if line.contains(" short test summary ") {
                Part::Summary
            } else {
                Part::Reports
            };
            return Vec::new();
        }
        let found = match self.part {
            Part::Cases => planned(line).or_else(|| case(line).map(Found::from)),
            Part::Summary => not_collected(line).map(Found::from),
            Part::Reports => None,
        };
        found.into_iter().collect()
    }
}

/// `collected 5 items / 1 deselected / 4 selected`
fn planned(line: &str) -> Option<Found> {
    let rest = line.strip_prefix("collecting ... ").unwrap_or(line).strip_prefix("collected ")?;
    let selected = rest.rsplit(" / ").next().and_then(|last| last.strip_suffix(" selected"));
    let count = selected.or_else(|| rest.split(' ').next())?;
    count.parse().ok().map(Found::Planned)
}

/// `tests/test_a.py::test_b[c d] PASSED   [ 50%]`, or `[gw0] [ 50%] PASSED tests/test_a.py::test_b`.
fn case(line: &str) -> Option<Case> {
    if let Some(rest) = line.strip_prefix("[gw") {
        let rest = rest.split_once("%] ").or_else(|| rest.split_once("] "))?.1;
        let (word, name) = rest.trim_start().split_once(' ')?;
        return named(name, status(word)?);
    }
    let line = line.trim_end();
    let line = match line.rsplit_once('[') {
        Some((before, percent)) if percent.ends_with("%]") => before.trim_end(),
        _ => line,
    };
    for (word, status) in WORDS {
        if let Some(name) = line.strip_suffix(word).and_then(|rest| rest.strip_suffix(' ')) {
            return named(name, status);
        }
        let Some(rest) = line.strip_suffix(')') else { continue };
        if let Some((name, why)) = rest.split_once(&format!(" {word} (")) {
            return named(name, status).map(|case| case.because(why));
        }
    }
    None
}

/// `ERROR tests/test_a.py - SyntaxError: …`. An error of a case was on the case's own line.
fn not_collected(line: &str) -> Option<Case> {
    let rest = line.strip_prefix("ERROR ")?;
    let (file, why) = rest.split_once(" - ").unwrap_or((rest, ""));
    (!file.contains("::")).then(|| Case::new(file, Status::Error).because(why))
}

fn status(word: &str) -> Option<Status> {
    WORDS.iter().find_map(|(known, status)| (*known == word).then_some(*status))
}

fn named(id: &str, status: Status) -> Option<Case> {
    let id = id.trim_end();
    let (file, name) = id.split_once("::")?;
    let is_id = !file.is_empty() && !name.is_empty() && !file.starts_with(char::is_whitespace);
    is_id.then(|| Case::new(name, status).of(Some(file)))
}
