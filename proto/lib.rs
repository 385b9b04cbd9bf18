//! The contract of Roomcast: what `roomcast/v1/*.proto` says, as Rust types, the registry of error codes
//! that every surface (gRPC, REST, Socket.IO, command line) speaks, and the names of the dashboard and of
//! an agent's jobs.

#![allow(clippy::all, rustdoc::all, reason = "generated code follows its generator's style")]

include!(concat!(env!("OUT_DIR"), "/_includes.rs"));

pub use roomcast::v1;

#[path = "agent.rs"]
pub mod agent;
#[path = "dashboard.rs"]
pub mod dashboard;
#[path = "registry.rs"]
pub mod registry;

/// The encoded `FileDescriptorSet` of the contract, with comments, for server reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.bin"));
