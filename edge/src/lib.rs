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
//!   ▲                                     at the head: live ──▶ socket::delivery ──▶ socket::emit ──▶ lane
//!   └── rest (commands, reads) ◀── listener                  └─▶ server-sent events (rest)
//! ```
//!
//! An event is encoded once (`names`), and the same bytes go to all. A reader at the head of its topic
//! is live: what arrives goes straight into its socket's `lane`. Whoever has no room there pulls again
//! from its place, so a slow browser costs its own place and no event. Where it is told who is there, a
//! reader is a user's `presence`, which the core hears of. Every join is decided by the core, with the
//! user's own token; the edge verifies tokens too, but it is never the only guard.
//!
//! Who serves browsers (`rest`, `socket`) stands on the [`AppState`] that both share, and on nothing of each
//! other's: how a request fails (`problem`) and who is connected (`connections`) stand below both.

pub mod app;
pub mod auth;
pub mod config;
pub mod connections;
mod console;
pub mod departures;
pub mod feed;
pub mod lane;
pub mod listener;
mod metrics_page;
pub mod names;
mod page;
pub mod presence;
pub mod probe;
pub mod problem;
pub mod rest;
pub mod socket;
pub mod state;
pub mod upstream;

pub use app::serve;
pub use config::Config;
pub use state::AppState;

#[allow(clippy::cast_precision_loss, reason = "a gauge is a float, and counts here are small")]
fn gauge(count: usize) -> f64 {
    count as f64
}
