//! The core of Roomcast: durable topics, and the jobs whose life they tell.
//!
//! **The log is the truth; everything else reads it.** A request comes in at a [`service`], which
//! checks who asks and how often ([`auth`]), and puts it as a command. The [`log`] hands the command
//! to the [`store`], where one writer loads the state, asks the [`domain`] what the command does, and commits
//! state and events together, durable before anybody hears of it. Then the [`bus`] wakes whoever
//! follows the topic, here and in the other cores of a cluster: a [`subscription`] replays from its
//! cursor and follows live, and when it falls behind it reads the log again. Nothing reaches a
//! subscriber by any other way.
//!
//! The [`maintenance`] agents look at the store for what time alone brings: due jobs, lost workers,
//! events past their retention. Of several cores one runs them at a time. [`app`] puts the parts
//! together and takes them down.
//!
//! What never happens here: an event on the bus that is not in the log; state that a restart would
//! miss; a clock or a random number inside the domain; a lock held across a fan-out; a queue without
//! a bound.

pub mod app;
pub mod config;

pub mod service;

pub mod auth;
pub mod error;

pub mod domain;

pub mod alarm;
pub mod log;
pub mod store;

pub mod bus;
pub mod snapshot;
pub mod subscription;

pub mod observer;

pub mod maintenance;

pub mod probe;

mod listener;
mod metrics_page;
mod rpc_span;

pub use app::{serve, serve_observed};
pub use config::Config;
