//! What goes on without being asked.

pub mod alarm;
pub mod cleaner;
pub mod clockwork;
