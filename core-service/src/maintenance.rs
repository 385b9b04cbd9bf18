//! What goes on without being asked.

pub mod cleaner;
pub mod clockwork;
pub mod leadership;
