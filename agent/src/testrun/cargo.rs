//! What `cargo test` writes: Rust's own harness, binary by binary.

use super::case::{Case, Found, Status};

/// Where in the output it stands.
#[derive(Debug, Default)]
pub(super) struct Parser {
    suite: Option<String>,
    /// Between `failures:` and the result of the binary is what tests wrote, which may look like
    /// anything.
    tells_failures: bool,
}

impl Parser {
    pub(super) fn line(&mut self, line: &str) -> Vec<Found> {
        if let Some(suite) = suite(line) {
            self.suite = Some(suite);
            self.tells_failures = false;
        } else if line.starts_with("test result: ") {
            self.tells_failures = false;
        } else if line == "failures:" {
            self.tells_failures = true;
        } else if !self.tells_failures {
            let case = case(line).map(|case| case.of(self.suite.as_deref()));
            return case.map(Found::from).into_iter().collect();
        }
        Vec::new()
    }
}

/// `     Running unittests src/lib.rs (target/debug/deps/name-0123456789abcdef)`, or `   Doc-tests name`.
fn suite(line: &str) -> Option<String> {
    let line = line.trim();
    if let Some(name) = line.strip_prefix("Doc-tests ") {
        return Some(format!("{name} (doc)"));
    }
    let (_, path) = line.strip_prefix("Running ")?.rsplit_once(" (")?;
    let file = path.strip_suffix(')')?.rsplit(['/', '\\']).next()?;
    let is_hash = |hash: &str| hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit());
    match file.rsplit_once('-') {
        Some((name, hash)) if is_hash(hash) => Some(name.to_owned()),
        _ => Some(file.to_owned()),
    }
}

/// `test a::b ... ok`, `FAILED`, `ignored, why`, `bench: …`; with times, `ok <0.005s>`.
fn case(line: &str) -> Option<Case> {
    let (name, outcome) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    let (outcome, seconds) = match outcome.split_once(" <") {
        Some((outcome, time)) => (outcome, time.strip_suffix("s>").unwrap_or_default()),
        None => (outcome, ""),
    };
    let (word, why) = outcome.split_once(", ").unwrap_or((outcome, ""));
    let status = match word {
        "ok" => Status::Passed,
        "FAILED" => Status::Failed,
        "ignored" => Status::Skipped,
        measured if measured.starts_with("bench:") => Status::Passed,
        _ => return None,
    };
    Some(Case::new(name, status).because(why).taking(seconds))
}
