//! What operators do: start, guard the doors, look by reflection, ask for health, end politely.

mod dev;
mod door;
mod drain;
mod health;
mod mtls;
mod reflection;
