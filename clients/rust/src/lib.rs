//! A client of Roomcast's core for programs in Rust: services that publish and have jobs done, workers that
//! do them.
//!
//! A [`Client`] is the way to the core: where it is, what is shown to it. Everything goes through the
//! core's public gRPC, call by call, over a [`Line`] that puts the tokens and the trace with each.
//! There is no other path, and nothing is kept here that the core does not have.
//!
//! Modules, in the order a call takes: [`publisher`], [`job`] and [`worker`] (what programs want), [`event`]
//! (what is told), `patience` (how long a call with a key is tried again), [`client`] (the [`Builder`] and
//! the calls as the contract has them),
//! [`line`] (the way to the cores, with credentials), [`token`] (where credentials come from), [`error`]
//! (what the core refuses, and what never reached it), [`cores`] (which of several is used), [`tls`]
//! (certificates), [`backoff`] (waits between tries). Each imports only what stands behind it here.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use roomcast_client::worker::{Completion, Work};
//! use roomcast_client::{Client, Event};
//! use tokio_util::sync::CancellationToken;
//!
//! let client = Client::builder()
//!     .core("https://core.example:50051")
//!     .service_token(std::env::var("ROOMCAST_SERVICE_TOKEN")?)
//!     .connect()
//!     .await?;
//!
//! // A service publishes.
//! let reading = serde_json::json!({ "celsius": 21.5 });
//! client.publisher().publish("room:kitchen", Event::json("temperature", &reading)?).await?;
//!
//! // It has jobs done.
//! let image = serde_json::json!({ "url": "https://images.example/1.png" });
//! let job = client.create_job("thumbnail").input(&image)?.await?;
//!
//! // A worker does jobs.
//! let stop = CancellationToken::new();
//! let worker = client.worker("thumbnails-1").slots(4).handle("thumbnail", |work: Work| async move {
//!     work.update(50.0, "half of it").await?;
//!     Ok(Completion::json(&serde_json::json!({ "width": 128 }))?)
//! });
//! worker.run(stop).await?;
//! # Ok(()) }
//! ```

pub mod backoff;
pub mod client;
pub mod cores;
pub mod error;
pub mod event;
pub mod job;
pub mod line;
mod patience;
pub mod publisher;
pub mod tls;
pub mod token;
pub mod worker;

pub use roomcast_proto as proto;

pub use self::client::{Builder, Client};
pub use self::error::{ConnectError, Error};
pub use self::event::Event;
pub use self::job::CreateJob;
pub use self::line::Line;
pub use self::publisher::Publisher;
pub use self::tls::Tls;
pub use self::token::Token;
pub use self::worker::Worker;

/// The guide's code, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guides/rust.md")]
struct Guide;
