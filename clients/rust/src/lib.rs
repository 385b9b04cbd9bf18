//! A client of Roomcast's core for programs in Rust: services that publish, workers that do jobs.
//!
//! A [`Client`] is the way to the core: where it is, what is shown to it. Everything goes through the
//! core's public gRPC, call by call, over a [`Line`] that puts the tokens and the trace with each.
//! There is no other path, and nothing is kept here that the core does not have.
//!
//! Modules, in the order a call takes: [`client`] (the [`Builder`] and its settings), [`token`] (where
//! credentials come from), [`line`] (one connection with its credentials), [`error`] (what the core
//! refuses, and what never reached it).
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use roomcast_client::Client;
//!
//! let client = Client::builder()
//!     .core("https://core.example:50051")
//!     .service_token(std::env::var("ROOMCAST_SERVICE_TOKEN")?)
//!     .connect()
//!     .await?;
//! # let _ = client;
//! # Ok(()) }
//! ```

pub mod client;
pub mod error;
pub mod line;
pub mod token;

pub use roomcast_proto as proto;

pub use self::client::{Builder, Client};
pub use self::error::{ConnectError, Error};
pub use self::line::Line;
pub use self::token::Token;
