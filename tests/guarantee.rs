//! The guarantees, in the words of docs/PROTOCOL.md, each shown on its own and small. The large runs
//! with faults are `durability::kill`, `edge::restart`, `job::lost_worker` and `topic::cursor`.

mod durable;
mod gap_free;
mod idempotent;
mod job_ends;
mod ordered;
mod resumable;
mod snapshot_consistent;
mod unique;
