//! The contract's messages and the domain's types, both ways. Everything that comes in is checked
//! here, so that the domain meets only values in their ranges.

pub(super) mod access;
pub(super) mod agent;
pub(super) mod check;
pub(super) mod command;
pub(super) mod event;
pub(super) mod frame;
pub(super) mod job;
pub(super) mod page;
pub(super) mod publish;
pub(super) mod report;
pub(super) mod session;
pub(super) mod topic;
pub(super) mod value;

use std::time::Duration;

use prost_types::{Duration as WireDuration, Timestamp};

use crate::domain::time::Time;

pub(super) fn timestamp(time: Time) -> Timestamp {
    let seconds = i64::try_from(time.0 / 1000).unwrap_or(i64::MAX);
    let nanos = i32::try_from(time.0 % 1000).unwrap_or(0) * 1_000_000;
    Timestamp { seconds, nanos }
}

pub(super) fn duration(duration: Duration) -> WireDuration {
    WireDuration::try_from(duration).unwrap_or_default()
}

pub(super) fn trace_hex(trace: Option<&[u8; 16]>) -> String {
    trace.map(|trace| trace.iter().map(|byte| format!("{byte:02x}")).collect()).unwrap_or_default()
}
