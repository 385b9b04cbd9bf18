//! Following projects.

use super::{Connection, Held, Outcome};
use crate::socket::command::Project;

impl Connection {
    pub(super) async fn project(
        &self,
        held: &mut Held,
        project: Project,
        ack: Option<i64>,
    ) -> Outcome {
        match project {
            Project::Join { project_id, since } => {
                self.enter(held, &format!("project:{project_id}"), since.as_deref(), ack).await
            }
            Project::Leave { project_id } => {
                Ok(self.leave(held, &format!("project:{project_id}"), ack).await?)
            }
        }
    }
}
