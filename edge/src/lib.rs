//! The edge of Roomcast: what browsers talk to.
//!
//! A separate process without state of its own: a gRPC client of the core that serves browsers over
//! Socket.IO, REST and server-sent events. It can be killed at any moment: every reader holds a cursor
//! and goes on from it at any other edge.
//!
//! Where the bytes go:
//!
//! ```text
//!  core ──Subscribe, one stream──▶ feed: one ring per topic ──▶ reader: one place per socket and topic
//!                                      ▲ behind the ring? the log, page by page     │
//!  core ◀──unary calls── upstream ◀────┘                                            ▼
//!   ▲                                     at the head: live ──▶ delivery ──▶ socket::emit ──▶ lane
//!   └── rest (commands, reads) ◀── listener                          └─▶ server-sent events (rest)
//! ```
//!
//! An event is encoded once (`names`), and the same bytes go to all. A reader at the head of its topic
//! is live: what arrives goes straight into its socket's `lane`. Whoever has no room there pulls again
//! from its place, so a slow browser costs its own place and no event. Where it is told who is there, a
//! reader is a user's `presence`, which the core hears of. Every join is decided by the core, with the
//! user's own token; the edge verifies tokens too, but it is never the only guard.

pub mod app;
pub mod auth;
pub mod config;
mod console;
mod delivery;
pub mod feed;
pub mod lane;
pub mod listener;
mod metrics_page;
pub mod names;
mod page;
pub mod presence;
pub mod probe;
pub mod rest;
pub mod socket;
pub mod upstream;

pub use app::{AppState, serve};
pub use config::Config;

#[allow(clippy::cast_precision_loss, reason = "a gauge is a float, and counts here are small")]
fn gauge(count: usize) -> f64 {
    count as f64
}
