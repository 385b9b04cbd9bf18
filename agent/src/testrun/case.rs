//! One test of a run, and what its run comes to.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// A longer name is cut: it goes to every subscriber.
const NAME_BYTES_MAX: usize = 512;
/// The first lines of a failure; the whole of it is in the job's output.
const MESSAGE_BYTES_MAX: usize = 1024;

/// How a test went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// As it should, or as it was expected to.
    Passed,
    /// Not as it should.
    Failed,
    /// It did not run.
    Skipped,
    /// It could not be run, or broke outside of what it tests.
    Error,
}

/// What `test_result` tells.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Case {
    /// The test's name, as its tool says it.
    pub name: String,
    /// What it is a part of: a file, a binary, a class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suite: Option<String>,
    /// How it went.
    pub status: Status,
    /// How long it took, where the tool says so.
    #[serde(
        rename = "duration_ms",
        skip_serializing_if = "Option::is_none",
        serialize_with = "ms"
    )]
    pub took: Option<Duration>,
    /// Why it failed or was skipped, where the tool says so beside the case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What a parser finds.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// So many cases are to come, in all.
    Planned(u64),
    /// A case has ended.
    Case(Case),
}

impl Case {
    /// A case of which no more is known than this.
    #[must_use]
    pub fn new(name: &str, status: Status) -> Self {
        let name = cut(name.trim(), NAME_BYTES_MAX);
        Self { name, suite: None, status, took: None, message: None }
    }

    /// A part of something.
    #[must_use]
    pub fn of(mut self, suite: Option<&str>) -> Self {
        self.suite = suite.map(|suite| cut(suite, NAME_BYTES_MAX));
        self
    }

    /// With why, unless there is nothing to say.
    #[must_use]
    pub fn because(mut self, message: &str) -> Self {
        let message = cut(message.trim(), MESSAGE_BYTES_MAX);
        self.message = Some(message).filter(|message| !message.is_empty());
        self
    }

    /// With its time in seconds, as tools write it. What is no time is left out.
    #[must_use]
    pub fn taking(mut self, seconds: &str) -> Self {
        let seconds = seconds.trim().parse().ok();
        self.took = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        self
    }
}

impl From<Case> for Found {
    fn from(case: Case) -> Self {
        Found::Case(case)
    }
}

fn cut(text: &str, bytes_max: usize) -> String {
    text[..text.floor_char_boundary(bytes_max)].to_owned()
}

#[allow(clippy::ref_option, reason = "serde calls it with a reference to the field")]
fn ms<S: Serializer>(took: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)).serialize(serializer)
}
