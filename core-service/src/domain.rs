//! The pure machines. Nothing here knows a clock, a thread, a socket or a file: time and ids are
//! arguments, so every rule of the product can be tested as a table.

pub mod access;
pub mod audit;
pub mod cursor;
pub mod event;
pub mod graph;
pub mod job;
pub mod limits;
pub mod name;
pub mod payload;
pub mod presence;
pub mod project;
pub mod retention;
pub mod right;
pub mod room;
pub mod session;
pub mod subscription;
pub mod time;
pub mod topic;
pub mod trace;
