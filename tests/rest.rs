//! REST and server-sent events, route by route.

mod command;
mod job;
mod lost_answer;
mod project;
mod session;
mod sse;
mod ticket;
mod topic;
mod trace;
