//! Tests of the whole system: real processes, real clients, real faults. One binary, one folder for
//! each area; `support` is the world they live in and `checker` the judge of what they record.
//! docs/TESTING.md says how to run and read them.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails where its world is not as it says"
)]

mod checker;
mod support;

mod agent;
mod cluster;
mod dashboard;
mod docs;
mod durability;
mod edge;
mod guarantee;
mod job;
mod operate;
mod rest;
mod session;
mod topic;
