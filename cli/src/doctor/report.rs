//! One line of the doctor's.

use std::fmt;

use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Level {
    /// As it should be.
    Ok,
    /// It works, and somebody should look at it.
    Warn,
    /// It does not work.
    Fail,
}

/// What was found at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) check: &'static str,
    pub(super) level: Level,
    pub(super) found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mend: Option<&'static str>,
}

impl Finding {
    pub(super) fn ok(check: &'static str, found: impl fmt::Display) -> Self {
        Self { check, level: Level::Ok, found: found.to_string(), mend: None }
    }

    pub(super) fn warn(check: &'static str, found: impl fmt::Display, mend: &'static str) -> Self {
        Self { check, level: Level::Warn, found: found.to_string(), mend: Some(mend) }
    }

    pub(super) fn fail(check: &'static str, found: impl fmt::Display, mend: &'static str) -> Self {
        Self { check, level: Level::Fail, found: found.to_string(), mend: Some(mend) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Ok => "ok",
            Level::Warn => "warn",
            Level::Fail => "FAIL",
        };
        write!(formatter, "{level:<4}  {:<8}  {}", self.check, self.found)?;
        match self.mend {
            Some(mend) => write!(formatter, "\n                → {mend}"),
            None => Ok(()),
        }
    }
}
