//! REST and server-sent events, route by route (CONTRACT §4).

mod job;
mod sse;
mod topic;
mod trace;
