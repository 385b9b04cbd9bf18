//! What every Roomcast process needs before its own work begins.
//!
//! [`settings`] reads the command line over the environment over a TOML file over defaults.
//! [`telemetry`] sets up logs on stderr, Prometheus metrics and, where an endpoint is configured,
//! OTLP traces. [`trace`] carries the W3C trace context from a request into events and back out.
//! [`bucket`] says how often something may happen, and [`buckets`] keep one for each of many callers.
//! [`budget`] says how much many may hold together.
//! [`draft`] puts files under their names whole.
//! [`certificate`] says when one is over.
//! [`shutdown`] turns the operating system's signals into one future; from there on a
//! `CancellationToken` goes through the process.

pub mod bucket;
pub mod buckets;
pub mod budget;
pub mod certificate;
pub mod draft;
pub mod settings;
pub mod shutdown;
pub mod telemetry;
pub mod trace;
