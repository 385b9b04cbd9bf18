//! Other people's servers, as they are installed on this machine, for one test or one measurement each.
//!
//! A server lies in a temporary folder and speaks on a socket in it, or on a [`Port`] of its own. It
//! can be killed with all its processes and started again on what it left, stopped where it is, copied
//! as it stands. It ends with its last owner, in good enough order to leave neither processes nor shared
//! memory, and its folder goes with it; where a test fails, the end of its log is shown first.
//!
//! What cannot be started fails whoever asked: everything here panics, and says what was missing. Calls
//! wait on their own thread, so that a test which has tasks beside itself needs more than one.
//!
//! Beside them stands [`Plain`], with which a test speaks to a server of ours in bytes of its own.

mod account;
mod folder;
mod gate;
mod pgbouncer;
mod plain;
mod port;
mod postgres;
mod process;
mod redis;

pub use crate::gate::Gate;
pub use crate::pgbouncer::Pgbouncer;
pub use crate::plain::Plain;
pub use crate::port::Port;
pub use crate::postgres::Postgres;
pub use crate::redis::Redis;
