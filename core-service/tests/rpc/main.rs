//! The core's calls, as a client meets them.

mod agent;
mod beginning;
mod core;
mod door;
mod limits;
mod merged;
mod offset;
mod operate;
mod pki;
mod rate;
mod requests;
mod rights;
mod rooms;
mod session;
mod tenant;
mod trace;
mod watching;
