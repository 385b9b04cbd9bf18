//! REST and server-sent events, route by route.

mod job;
mod sse;
mod ticket;
mod topic;
mod trace;
