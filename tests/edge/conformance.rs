//! Every case of the public test suites of the protocols Engine.IO v4 and Socket.IO v5, against the
//! edge's own transport: the listener, gate, limits and adapters that `examples/conformance.rs` mounts.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]

#[allow(dead_code, unreachable_pub, reason = "the example has a main function of its own")]
#[path = "../../edge/examples/conformance.rs"]
mod served;

#[path = "conformance/client.rs"]
mod client;
#[path = "conformance/engine_io.rs"]
mod engine_io;
#[path = "conformance/socket_io.rs"]
mod socket_io;
