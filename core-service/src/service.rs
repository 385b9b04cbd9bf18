//! The gRPC services: an RPC is a sentence. What a request means stands in [`wire`], what it does in
//! the domain; here is only the way between them.

pub mod access;
mod audit;
pub mod broadcast;
pub mod job;
mod membership;
pub mod presence;
mod right;
pub mod session;
mod subscribe;
pub mod table;
mod thing;
pub mod user;
mod vigil;
mod watch;
mod wire;
mod work;

pub(crate) use wire::publish::probe as probe_event;
pub use work::{dispatch as work_dispatch, roster};
