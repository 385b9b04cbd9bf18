//! What the documentation tells people to type does what it says.

mod cluster;
mod guides;
mod page;
mod quickstart;
