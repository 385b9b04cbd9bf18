//! The gRPC services: an RPC is a sentence. What a request means stands in [`wire`], what it does in
//! the domain; here is only the way between them.

pub mod access;
pub mod broadcast;
pub mod job;
mod membership;
pub mod session;
mod subscribe;
pub mod user;
mod watch;
mod wire;
mod work;

pub use work::{dispatch as work_dispatch, roster};
