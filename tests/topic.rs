//! Topics: where a cursor leads.

mod cursor;
mod watch;
