//! A project with a session and a job, and its members.

use roomcast_proto::v1;

use crate::core::{Core, report};
use crate::session::someone;

pub(super) const TENANT: &str = "acme";
pub(super) const OTHER: &str = "other";
pub(super) const OWNER: &str = "olga";

/// Things of one project.
pub(super) struct World {
    project_id: String,
    session_id: String,
    job_id: String,
}

impl World {
    pub(super) async fn new(core: &Core) -> World {
        let owner = someone(core, OWNER, TENANT);
        let project_id = owner.project().await;
        owner.set_role(&project_id, "vic", v1::Role::Viewer).await.expect("a viewer");
        owner.set_role(&project_id, "ed", v1::Role::Editor).await.expect("an editor");
        let session_id = owner.session(&project_id).await;
        let wanted = v1::CreateJobRequest { project_id: project_id.clone(), ..report("job") };
        let made = core.jobs().create_job(owner.ask(wanted)).await.expect("made");
        let job_id = made.into_inner().job.expect("a job").job_id;
        World { project_id, session_id, job_id }
    }

    /// What a field that names a thing says.
    pub(super) fn id(&self, field: &str) -> Option<String> {
        match field {
            "project_id" => Some(self.project_id.clone()),
            "session_id" => Some(self.session_id.clone()),
            "job_id" => Some(self.job_id.clone()),
            "topic" => Some(format!("project:{}", self.project_id)),
            _ => None,
        }
    }

    /// A text in which a thing is named by its kind.
    pub(super) fn says(&self, text: &str) -> String {
        match text {
            "job:" => format!("job:{}", self.job_id),
            "session:" => format!("session:{}", self.session_id),
            text => text.to_owned(),
        }
    }

    /// Whether an answer tells of one of its things.
    pub(super) fn is_named_in(&self, answer: &[u8]) -> bool {
        let ids = [&self.project_id, &self.session_id, &self.job_id];
        ids.iter().any(|id| answer.windows(id.len()).any(|text| text == id.as_bytes()))
    }
}
