//! What operators do: start, guard the doors, look by reflection, ask for health, end politely.

mod admin_ui;
mod alerts;
mod audit;
mod deploy;
mod dev;
mod door;
mod drain;
mod explain;
mod health;
mod mtls;
mod proxy;
mod reflection;
mod roles;
mod soak;
