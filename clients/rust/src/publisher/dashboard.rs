//! The dashboard's own events, each for the room that it belongs to.

use serde::Serialize;

use super::Publisher;
use super::publish::Publish;
use crate::error::Error;
use crate::event::Event;

impl Publisher {
    /// `agent_status_update`, to the room `agents`. The value is one JSON object, as for all of these.
    ///
    /// # Errors
    /// [`Error::Payload`] when the value cannot be written as JSON.
    pub fn agent_status(&self, status: &impl Serialize) -> Result<Publish, Error> {
        self.dashboard("agents", "agent_status_update", status)
    }

    /// `task_update`, to the room `tasks`.
    ///
    /// # Errors
    /// As [`Publisher::agent_status`].
    pub fn task(&self, task: &impl Serialize) -> Result<Publish, Error> {
        self.dashboard("tasks", "task_update", task)
    }

    /// `system_metrics_update`, to the room `metrics`.
    ///
    /// # Errors
    /// As [`Publisher::agent_status`].
    pub fn system_metrics(&self, metrics: &impl Serialize) -> Result<Publish, Error> {
        self.dashboard("metrics", "system_metrics_update", metrics)
    }

    /// `workflow_event`, to the room `workflows`.
    ///
    /// # Errors
    /// As [`Publisher::agent_status`].
    pub fn workflow(&self, event: &impl Serialize) -> Result<Publish, Error> {
        self.dashboard("workflows", "workflow_event", event)
    }

    fn dashboard(&self, room: &str, name: &str, value: &impl Serialize) -> Result<Publish, Error> {
        Ok(self.publish(format!("room:{room}"), Event::json(name, value)?))
    }
}

#[cfg(test)]
mod tests {
    use roomcast_proto::dashboard::room_of;

    #[test]
    fn events_go_to_the_rooms_that_the_contract_gives_them() {
        let written = include_str!("dashboard.rs");
        for (event, room) in roomcast_proto::dashboard::EVENTS {
            assert!(written.contains(&format!("dashboard(\"{room}\", \"{event}\"")), "{event}");
            assert_eq!(room_of(event), Some(room));
        }
    }
}
