//! What operators do: look by reflection, ask for health, end a process politely.

mod drain;
mod health;
mod reflection;
