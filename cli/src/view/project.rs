//! Projects and their members.

use std::fmt;

use roomcast_edge::names::rfc3339;
use roomcast_proto::v1::{Member, Project, Role};
use serde::Serialize;

/// A project as a line of a list.
#[derive(Debug, Serialize)]
pub(crate) struct ProjectLine<'a> {
    id: &'a str,
    name: &'a str,
    owner: &'a str,
    created_at: Option<String>,
}

/// A member as a line of a list.
#[derive(Debug, Serialize)]
pub(crate) struct MemberLine<'a> {
    user_id: &'a str,
    role: &'static str,
}

impl<'a> ProjectLine<'a> {
    pub(crate) fn of(project: &'a Project) -> Self {
        Self {
            id: &project.project_id,
            name: &project.name,
            owner: &project.owner,
            created_at: project.create_time.as_ref().map(rfc3339),
        }
    }

    /// The line above the lines.
    pub(crate) fn heading() -> String {
        line("PROJECT", "OWNER", "CREATED", "NAME")
    }
}

impl fmt::Display for ProjectLine<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let created = self.created_at.as_deref().unwrap_or("-");
        formatter.write_str(&line(self.id, self.owner, created, self.name))
    }
}

fn line(id: &str, owner: &str, created: &str, name: &str) -> String {
    format!("{id:<32}  {owner:<16}  {created:<24}  {name}").trim_end().to_owned()
}

impl<'a> MemberLine<'a> {
    pub(crate) fn of(member: &'a Member) -> Self {
        let role = match member.role() {
            Role::Unspecified => "unknown",
            Role::Viewer => "viewer",
            Role::Editor => "editor",
            Role::Owner => "owner",
        };
        Self { user_id: &member.user_id, role }
    }
}

impl fmt::Display for MemberLine<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:<6}  {}", self.role, self.user_id)
    }
}
