//! The Test Anything Protocol. A subtest is told by the test that holds it.

use super::case::{Case, Found, Status};

/// Needs to remember nothing: each line stands for itself.
#[derive(Debug, Default)]
pub(super) struct Parser;

impl Parser {
    #[allow(clippy::unused_self, reason = "as every format's parser")]
    pub(super) fn line(&mut self, line: &str) -> Vec<Found> {
        planned(line).or_else(|| case(line).map(Found::from)).into_iter().collect()
    }
}

/// `1..5`, perhaps with why there are none.
fn planned(line: &str) -> Option<Found> {
    let count = line.strip_prefix("1..")?;
    let count = count.split([' ', '#']).next()?;
    count.parse().ok().map(Found::Planned)
}

/// `not ok 2 - adds numbers # skip no network`
fn case(line: &str) -> Option<Case> {
    let (passed, rest) = match line.strip_prefix("not ok") {
        Some(rest) => (false, rest),
        None if line.starts_with("Bail out!") => {
            let why = line.trim_start_matches("Bail out!");
            return Some(Case::new("Bail out!", Status::Error).because(why));
        }
        None => (true, line.strip_prefix("ok")?),
    };
    if !rest.is_empty() && !rest.starts_with(' ') {
        return None;
    }
    let (text, directive) = rest.split_once(" # ").unwrap_or((rest, ""));
    let (word, why) = directive.split_once(' ').unwrap_or((directive, ""));
    let status = match word.to_ascii_lowercase().as_str() {
        // Skipped tests and those that are known to fail do not fail a run.
        skip if skip.starts_with("skip") => Status::Skipped,
        "todo" => Status::Skipped,
        _ if passed => Status::Passed,
        _ => Status::Failed,
    };
    let text = text.trim_start();
    let (number, name) = match text.split_once(' ') {
        Some((number, name)) if number.parse::<u64>().is_ok() => (number, name),
        _ if text.parse::<u64>().is_ok() => (text, ""),
        _ => ("", text),
    };
    let name = name.trim_start().trim_start_matches("- ").trim();
    let name = if name.is_empty() { number } else { name };
    Some(Case::new(&plain(name), status).because(&plain(why)))
}

/// Behind a backslash these two stand for themselves.
fn plain(text: &str) -> String {
    text.replace("\\#", "#").replace("\\\\", "\\")
}
