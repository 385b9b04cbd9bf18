//! The edge's door, from outside: raw bytes against a whole edge in this process. It has no core: what is
//! asked here is decided before one is.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]

#[path = "door/caps.rs"]
mod caps;
#[path = "door/drain.rs"]
mod drain;
#[path = "door/edge.rs"]
mod edge;
#[path = "door/flood.rs"]
mod flood;
#[path = "door/frames.rs"]
mod frames;
#[path = "door/heads.rs"]
mod heads;
#[path = "door/idle.rs"]
mod idle;
#[path = "door/proxy.rs"]
mod proxy;
#[path = "door/rate.rs"]
mod rate;
#[path = "door/raw.rs"]
mod raw;
#[path = "door/theft.rs"]
mod theft;
#[path = "door/tls.rs"]
mod tls;
