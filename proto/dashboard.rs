//! The dashboard: the rooms that every installation has, and the events that belong to them. In these
//! rooms a message is `{event, data, room, timestamp, …}`: what was published stands under `data`.

/// What stands for all of [`VIEWED`] together. Nothing is stored in it.
pub const VIEW: &str = "dashboard";
/// The rooms of the view.
pub const VIEWED: [&str; 5] = ["agents", "tasks", "metrics", "workflows", "system"];
/// Operators' own room: no part of the view.
pub const ADMIN: &str = "admin";
/// The events that clients emit by their own names, each with the room that it belongs to.
pub const EVENTS: [(&str, &str); 4] = [
    ("agent_status_update", "agents"),
    ("task_update", "tasks"),
    ("system_metrics_update", "metrics"),
    ("workflow_event", "workflows"),
];

/// All rooms of the dashboard.
pub fn rooms() -> impl Iterator<Item = &'static str> {
    VIEWED.into_iter().chain([ADMIN])
}

/// Whether a room is one of the dashboard's.
#[must_use]
pub fn has_room(room: &str) -> bool {
    rooms().any(|one| one == room)
}

/// The room of an event that clients emit by its own name.
#[must_use]
pub fn room_of(event: &str) -> Option<&'static str> {
    EVENTS.iter().find_map(|(name, room)| (*name == event).then_some(*room))
}
