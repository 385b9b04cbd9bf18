//! Events that are missed for good.

use std::fmt;

use roomcast_proto::v1::{Reset, ResetReason};
use serde::Serialize;

/// Why a reader begins anew.
#[derive(Debug, Serialize)]
pub(crate) struct ResetView<'a> {
    frame: &'static str,
    reason: &'static str,
    cursor: &'a str,
}

impl<'a> ResetView<'a> {
    pub(crate) fn of(reset: &'a Reset) -> Self {
        let reason = match reset.reason() {
            ResetReason::Unspecified => "unspecified",
            ResetReason::Trimmed => "trimmed",
            ResetReason::Forked => "forked",
            ResetReason::Ahead => "ahead",
        };
        Self { frame: "reset", reason, cursor: &reset.cursor }
    }
}

impl fmt::Display for ResetView<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "events are missed for good ({}); the state follows", self.reason)
    }
}
