//! `roomcast project member`: roles in a project.

use anyhow::anyhow;
use clap::ValueEnum;
use roomcast_proto::v1::{self, ListMembersRequest, RemoveMemberRequest, SetMemberRequest};

use crate::connection::{Connection, call};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::view::MemberLine;

/// What to do with members.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    List(List),
    Set(Set),
    Remove(Remove),
}

/// List a project's members
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  roomcast project member list 019a8f3e7c1d7f2a9b6e2f1d0c5a4b3e")]
pub(crate) struct List {
    /// Which
    #[arg(value_name = "PROJECT")]
    project_id: String,
    #[command(flatten)]
    connection: Connection,
}

/// Give a user a role in a project
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  roomcast project member set 019a8f3e7c1d7f2a9b6e2f1d0c5a4b3e ben --role editor"
)]
pub(crate) struct Set {
    /// Which
    #[arg(value_name = "PROJECT")]
    project_id: String,
    /// Claim `sub` of the user's tokens
    #[arg(value_name = "USER")]
    user_id: String,
    /// A viewer looks, an editor also gives commands, an owner also changes members
    #[arg(long, value_name = "ROLE")]
    role: Role,
    #[command(flatten)]
    connection: Connection,
}

/// Take a user out of a project
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  roomcast project member remove 019a8f3e7c1d7f2a9b6e2f1d0c5a4b3e ben"
)]
pub(crate) struct Remove {
    /// Which
    #[arg(value_name = "PROJECT")]
    project_id: String,
    /// Claim `sub` of the user's tokens
    #[arg(value_name = "USER")]
    user_id: String,
    #[command(flatten)]
    connection: Connection,
}

/// What a member may do.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Role {
    Viewer,
    Editor,
    Owner,
}

pub(super) async fn run(command: Command, output: Output) -> Result<Exit, Failure> {
    match command {
        Command::List(List { project_id, connection }) => {
            let request = ListMembersRequest { project_id };
            let core = connection.open().await?;
            let answer = core.sessions().list_members(call(request)).await?.into_inner();
            answer.members.iter().try_for_each(|member| output.show(&MemberLine::of(member)))?;
        }
        Command::Set(Set { project_id, user_id, role, connection }) => {
            let member = v1::Member { user_id, role: v1::Role::from(role).into() };
            let request = SetMemberRequest { project_id, member: Some(member) };
            let core = connection.open().await?;
            let member = core.sessions().set_member(call(request)).await?.into_inner().member;
            let member = member.ok_or_else(|| anyhow!("the core's answer names no member"))?;
            output.show(&MemberLine::of(&member))?;
        }
        Command::Remove(Remove { project_id, user_id, connection }) => {
            let request = RemoveMemberRequest { project_id, user_id };
            connection.open().await?.sessions().remove_member(call(request)).await?;
        }
    }
    Ok(Exit::OK)
}

impl From<Role> for v1::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Viewer => v1::Role::Viewer,
            Role::Editor => v1::Role::Editor,
            Role::Owner => v1::Role::Owner,
        }
    }
}
