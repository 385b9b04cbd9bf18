//! A project: the container of sessions and jobs, and who may do what in it.

use serde::{Deserialize, Serialize};

use crate::domain::limits::MEMBERS_MAX;
use crate::domain::time::Time;

/// What a member may do. Each may all that the one before may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look.
    Viewer,
    /// Change graphs, create and steer jobs.
    Editor,
    /// Change members, close sessions.
    Owner,
}

impl Role {
    /// Its name in the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Editor => "editor",
            Role::Owner => "owner",
        }
    }
}

/// A project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Unique.
    pub project_id: String,
    /// The tenant it lives in.
    pub tenant: String,
    /// For people.
    pub name: String,
    /// Who it was created for.
    pub owner: String,
    /// When.
    pub created_at: Time,
}

/// A user's role in a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The user.
    pub user_id: String,
    /// The role.
    pub role: Role,
}

/// Why a change of members is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody could change the members any more.
    #[error("the project would have no owner left; make another one owner first")]
    LastOwner,
    /// Too many.
    #[error("a project has at most {MEMBERS_MAX} members")]
    Full,
    /// The user is no member.
    #[error("the user is no member of the project")]
    NoMember,
}

/// What a project's members are before a change of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    /// The role of the member who changes.
    pub role: Option<Role>,
    /// All members.
    pub members: u64,
    /// Owners among them.
    pub owners: u64,
}

impl Membership {
    /// Decides whether a member may get this role, or none.
    ///
    /// # Errors
    /// When the project would be left without an owner, or is full.
    pub fn change(self, role: Option<Role>) -> Result<(), Refusal> {
        match (self.role, role) {
            (Some(Role::Owner), new) if new != Some(Role::Owner) && self.owners <= 1 => {
                Err(Refusal::LastOwner)
            }
            (None, Some(_)) if self.members >= MEMBERS_MAX => Err(Refusal::Full),
            (None, None) => Err(Refusal::NoMember),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        role: Option<Role>,
        members: u64,
        owners: u64,
        new: Option<Role>,
    ) -> Result<(), Refusal> {
        Membership { role, members, owners }.change(new)
    }

    #[test]
    fn a_project_keeps_an_owner_and_its_limit() {
        use Role::{Editor, Owner, Viewer};
        assert_eq!(check(None, MEMBERS_MAX - 1, 1, Some(Viewer)), Ok(()));
        assert_eq!(check(None, MEMBERS_MAX, 1, Some(Viewer)), Err(Refusal::Full));
        assert_eq!(check(Some(Viewer), MEMBERS_MAX, 1, Some(Editor)), Ok(()));
        assert_eq!(check(Some(Owner), 2, 1, Some(Editor)), Err(Refusal::LastOwner));
        assert_eq!(check(Some(Owner), 2, 1, None), Err(Refusal::LastOwner));
        assert_eq!(check(Some(Owner), 2, 1, Some(Owner)), Ok(()));
        assert_eq!(check(Some(Owner), 2, 2, None), Ok(()));
        assert_eq!(check(None, 2, 1, None), Err(Refusal::NoMember));
        assert!(Viewer < Editor && Editor < Owner);
    }
}
