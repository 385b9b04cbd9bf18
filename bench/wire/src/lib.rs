//! The bytes of a cheap Socket.IO client: what the whole-system tests and the benchmarks share where
//! one program holds thousands of sockets and a library's client would cost more than the server.
//!
//! [`upgrade`] opens the WebSocket, [`frame`] finds whole frames in a buffer, [`packet`] says what a
//! Socket.IO packet is. Nothing here reads, writes, waits or keeps state.

pub mod frame;
pub mod packet;
pub mod upgrade;
