//! What the documentation tells people to type does what it says.

mod cluster;
mod contract;
mod evidence;
mod first_minute;
mod guides;
mod page;
mod quickstart;
mod routes;
