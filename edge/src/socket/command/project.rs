//! Projects: their lists of jobs.

use serde::Deserialize;

use super::{Call, Command, Parsed, Refusal, field::Id};

#[derive(Debug, PartialEq)]
pub(in crate::socket) enum Project {
    Join { project_id: String, since: Option<String> },
    Leave { project_id: String },
}

#[derive(Debug, Deserialize)]
struct Join {
    project_id: Option<Id>,
    since: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Leave {
    project_id: Option<Id>,
}

pub(super) fn parse(call: &Call<'_>) -> Parsed {
    let project = match call.name.as_str() {
        "subscribe" => join(call),
        "unsubscribe" => leave(call),
        _ => return None,
    };
    Some(project.map(Command::Project))
}

fn join(call: &Call<'_>) -> Result<Project, Refusal> {
    let Join { project_id, since } = call.required()?;
    Ok(Project::Join { project_id: Id::required(project_id, "project_id")?, since })
}

fn leave(call: &Call<'_>) -> Result<Project, Refusal> {
    let Leave { project_id } = call.required()?;
    Ok(Project::Leave { project_id: Id::required(project_id, "project_id")? })
}
