//! Projects, members, and the sessions' beginning and end.

use futures::TryStreamExt as _;

use super::*;
use crate::domain::audit::{self as audit_log, Act};
use crate::domain::project::Project;
use crate::domain::session::Session;
use crate::error::code;
use crate::service::audit;
use crate::service::thing::Member;
use crate::service::wire::{check, page};
use crate::store::session::Listing;
use crate::store::{Error, Refusal};

const PAGES: page::Sizes = page::Sizes { default: 50, max: 200 };

/// How often sessions may be opened in a project while it is being deleted, before the caller is told
/// to try again.
const DELETE_ROUNDS: usize = 8;

/// Sessions that are erased side by side: they share their commits, and leave the store's queue to
/// others.
const ERASED_AT_ONCE: usize = 32;

impl Sessions {
    pub(super) async fn create_project(
        &self,
        call: Admitted<v1::CreateProjectRequest>,
    ) -> Result<v1::CreateProjectResponse, Status> {
        let Admitted { caller, tenant, request, .. } = call;
        let key = &request.idempotency_key;
        let idempotency = idempotency(&caller, &tenant, "create_project", key, &request)?;
        if request.name.is_empty() {
            return Err(invalid("name", "is required"));
        }
        let project = Project {
            project_id: new_id(),
            owner: user_id("owner", caller.owner(&request.owner)?.to_owned())?,
            name: check::title("name", request.name, limits::TITLE_BYTES_MAX)?,
            tenant,
            created_at: now(),
        };
        let action = session::Action::CreateProject(project);
        let project = match self.commit(&caller, action, idempotency).await? {
            Outcome::Project(project) => Some(wire_session::project(&project)),
            Outcome::Session(_)
            | Outcome::Events(_)
            | Outcome::Announced { .. }
            | Outcome::Attended(_)
            | Outcome::Done => None,
        };
        Ok(v1::CreateProjectResponse { project })
    }

    pub(super) async fn get_project(
        &self,
        call: Admitted<v1::GetProjectRequest>,
    ) -> Result<v1::GetProjectResponse, Status> {
        let Admitted { thing: found, .. } = call;
        let used = self.log.store().usage(&found.project_id, None).await.map_err(status)?;
        let project = wire_session::project(&found);
        let project = v1::Project { usage: Some(wire::value::usage(&used)), ..project };
        Ok(v1::GetProjectResponse { project: Some(project) })
    }

    pub(super) async fn list_projects(
        &self,
        call: Admitted<v1::ListProjectsRequest>,
    ) -> Result<v1::ListProjectsResponse, Status> {
        let Admitted { caller, tenant, request, .. } = call;
        let member = if caller.standing(&tenant).is_some() { None } else { Some(caller.name()) };
        let conditions = format!("projects {tenant} {member:?}");
        let (size, listing) = listing(request.page_size, &request.page_token, &conditions)?;
        let found = self.log.store().projects(&tenant, member, listing).await.map_err(status)?;
        let (found, next_page_token) = cut(found, size, &conditions, |one| &one.project_id);
        let projects = found.iter().map(wire_session::project).collect();
        Ok(v1::ListProjectsResponse { projects, next_page_token })
    }

    /// Operators are told before anything goes, and once more where it was not to be.
    pub(super) async fn delete_project(
        &self,
        call: Admitted<v1::DeleteProjectRequest>,
    ) -> Result<v1::DeleteProjectResponse, Status> {
        let Admitted { caller, thing: project, .. } = call;
        let id = project.project_id.clone();
        let target = format!("project:{id}");
        let told = self.told(&caller, &project, Act::DeleteProject, target).await?;
        if let Some(told) = &told {
            audit::tell(&self.log, told, caller.trace).await.map_err(status)?;
        }
        let outcome = self.delete(&caller, id).await;
        if let (Some(told), Err(error @ (Error::Refused(_) | Error::Overloaded))) = (told, &outcome)
        {
            let refused = told.refused(code(error).as_str());
            audit::tell_refused(&self.log, &refused, caller.trace).await;
        }
        outcome.map(|()| v1::DeleteProjectResponse {}).map_err(status)
    }

    /// The sessions first, each in a commit of its own: a project may hold any number of them, and the
    /// writer is never held up. Whoever repeats a call that was cut short goes on from there.
    async fn delete(&self, caller: &Caller, project_id: String) -> Result<(), Error> {
        for _ in 0..DELETE_ROUNDS {
            self.erase_sessions(caller, &project_id).await?;
            let action = session::Action::DeleteProject { project_id: project_id.clone() };
            match self.try_commit(caller, action, None).await {
                // One more was opened meanwhile.
                Err(Error::Refused(Refusal::Session(session::Refusal::NotEmpty(_)))) => {}
                outcome => return outcome,
            }
        }
        Err(Error::Overloaded)
    }

    async fn erase_sessions(&self, caller: &Caller, project_id: &str) -> Result<(), Error> {
        loop {
            let listing = Listing { after: None, limit: PAGES.max };
            let found = self.log.store().sessions(project_id, listing).await?;
            if found.is_empty() {
                return Ok(());
            }
            let erasing = futures::stream::iter(found.into_iter().map(Ok));
            let erase = |Session { session_id, .. }| self.erase(caller, session_id);
            erasing.try_for_each_concurrent(ERASED_AT_ONCE, erase).await?;
        }
    }

    async fn erase(&self, caller: &Caller, session_id: String) -> Result<(), Error> {
        let by = caller.name().to_owned();
        let action = session::Action::EraseSession { session_id, by };
        match self.try_commit(caller, action, None).await {
            // Another caller was as quick.
            Err(Error::Refused(Refusal::Session(session::Refusal::SessionNotFound(_)))) => Ok(()),
            outcome => outcome,
        }
    }

    async fn try_commit(
        &self,
        caller: &Caller,
        action: session::Action,
        told: Option<audit_log::Entry>,
    ) -> Result<(), Error> {
        let action = Action::Session(Box::new(action));
        let command = Command { action, idempotency: None, trace: caller.trace };
        audit::commit(&self.log, told, command, |command| self.log.commit_session(command))
            .await
            .map(drop)
    }

    /// What an owner's act is told as where it is done by the role admin, in a project of others.
    async fn told(
        &self,
        caller: &Caller,
        project: &Project,
        act: Act,
        target: String,
    ) -> Result<Option<audit_log::Entry>, Status> {
        let (tenant, id) = (&project.tenant, &project.project_id);
        let is_others = caller.is_admin()
            && membership::member(&self.log, caller, tenant, id).await? < Some(Role::Owner);
        Ok(is_others.then(|| audit::entry(caller, tenant, act, target)))
    }

    pub(super) async fn set_member(
        &self,
        call: Admitted<v1::SetMemberRequest>,
    ) -> Result<v1::SetMemberResponse, Status> {
        let Admitted { caller, request, thing: membership, .. } = call;
        let v1::SetMemberRequest { project_id, member } = request;
        if is_already(&caller, &membership, member.as_ref()) {
            // Nothing is written: what somebody else takes away meanwhile must not come back.
            return Ok(v1::SetMemberResponse { member });
        }
        let project = membership.ruled()?;
        let member = member.ok_or_else(|| invalid("member", "is required"))?;
        let role = wire_session::role_in(member.role);
        let role = role.ok_or_else(|| invalid("member.role", "must be viewer, editor or owner"))?;
        let user_id = user_id("member.user_id", member.user_id.clone())?;
        let target = format!("project:{project_id} user:{user_id}");
        let told = self.told(&caller, &project, Act::SetMember, target).await?;
        let action = session::Action::SetMember { project_id, user_id, role: Some(role) };
        self.try_commit(&caller, action, told).await.map_err(status)?;
        Ok(v1::SetMemberResponse { member: Some(member) })
    }

    /// A member may always leave.
    pub(super) async fn remove_member(
        &self,
        call: Admitted<v1::RemoveMemberRequest>,
    ) -> Result<v1::RemoveMemberResponse, Status> {
        let Admitted { caller, request, thing: membership, .. } = call;
        let v1::RemoveMemberRequest { project_id, user_id } = request;
        let user_id = self::user_id("user_id", user_id)?;
        let is_self = caller.user().is_some_and(|user| user.id == user_id);
        let project = if is_self { membership.left() } else { membership.ruled()? };
        let target = format!("project:{project_id} user:{user_id}");
        let told = match is_self {
            true => None,
            false => self.told(&caller, &project, Act::RemoveMember, target).await?,
        };
        let action = session::Action::SetMember { project_id, user_id, role: None };
        self.try_commit(&caller, action, told).await.map_err(status)?;
        Ok(v1::RemoveMemberResponse {})
    }

    pub(super) async fn list_members(
        &self,
        call: Admitted<v1::ListMembersRequest>,
    ) -> Result<v1::ListMembersResponse, Status> {
        let Admitted { request, .. } = call;
        let members = self.log.store().members(&request.project_id).await.map_err(status)?;
        Ok(v1::ListMembersResponse { members: members.iter().map(wire_session::member).collect() })
    }

    pub(super) async fn create_session(
        &self,
        call: Admitted<v1::CreateSessionRequest>,
    ) -> Result<v1::CreateSessionResponse, Status> {
        let Admitted { caller, request, thing: project, .. } = call;
        let key = &request.idempotency_key;
        let idempotency = idempotency(&caller, &project.tenant, "create_session", key, &request)?;
        let session = Session {
            session_id: new_id(),
            project_id: project.project_id,
            tenant: project.tenant,
            name: check::title("name", request.name, limits::TITLE_BYTES_MAX)?,
            created_at: now(),
            closed_at: None,
        };
        let action = session::Action::CreateSession(session);
        let Outcome::Session(made) = self.commit(&caller, action, idempotency).await? else {
            return Ok(v1::CreateSessionResponse::default());
        };
        let stored =
            membership::session(&self.log, &caller, &made.session_id, Role::Viewer).await?;
        let session = Some(wire_session::session(&stored.session, Some(stored.cursor)));
        Ok(v1::CreateSessionResponse { session })
    }

    pub(super) async fn get_session(
        &self,
        call: Admitted<v1::GetSessionRequest>,
    ) -> Result<v1::GetSessionResponse, Status> {
        let Admitted { thing: found, .. } = call;
        let Session { project_id, session_id, .. } = &found.session;
        let used = self.log.store().usage(project_id, Some(session_id)).await.map_err(status)?;
        let mut answer = wire_session::outline(&found);
        if let Some(session) = &mut answer.session {
            session.usage = Some(wire::value::usage(&used));
        }
        Ok(answer)
    }

    pub(super) async fn list_sessions(
        &self,
        call: Admitted<v1::ListSessionsRequest>,
    ) -> Result<v1::ListSessionsResponse, Status> {
        let Admitted { request, .. } = call;
        let id = &request.project_id;
        let conditions = format!("sessions {id}");
        let (size, listing) = listing(request.page_size, &request.page_token, &conditions)?;
        let found = self.log.store().sessions(id, listing).await.map_err(status)?;
        let (found, next_page_token) = cut(found, size, &conditions, |one| &one.session_id);
        let sessions = found.iter().map(|one| wire_session::session(one, None)).collect();
        Ok(v1::ListSessionsResponse { sessions, next_page_token })
    }

    /// Closing what is closed is done already.
    pub(super) async fn close_session(
        &self,
        call: Admitted<v1::CloseSessionRequest>,
    ) -> Result<v1::CloseSessionResponse, Status> {
        let Admitted { caller, request, thing: found, .. } = call;
        let id = request.session_id;
        if found.session.closed_at.is_none() {
            let project_id = &found.session.project_id;
            let project = membership::project(&self.log, &caller, project_id, Role::Owner).await?;
            let target = format!("session:{id}");
            let told = self.told(&caller, &project, Act::CloseSession, target).await?;
            let command = SessionCommand::Close { by: caller.name().to_owned() };
            let action = session::Action::Command { session_id: id.clone(), command };
            match self.try_commit(&caller, action, told).await {
                // Another call was as quick: this one before it was repeated, for one.
                Ok(()) | Err(Error::Refused(Refusal::Session(session::Refusal::Closed(_)))) => {}
                Err(error) => return Err(status(error)),
            }
        }
        let found = membership::session(&self.log, &caller, &id, Role::Owner).await?;
        let session = Some(wire_session::session(&found.session, Some(found.cursor)));
        Ok(v1::CloseSessionResponse { session })
    }
}

/// Whether this would make the caller what the caller is: who has stepped down asks again where no answer
/// came, and is no owner any longer.
fn is_already(caller: &Caller, membership: &Member, wanted: Option<&v1::Member>) -> bool {
    let own = |wanted: &&v1::Member| caller.user().is_some_and(|one| one.id == wanted.user_id);
    let role = wanted.filter(own).and_then(|wanted| wire_session::role_in(wanted.role));
    role.is_some() && role == membership.own()
}

/// A user's id: opaque, as a token's `sub` is.
fn user_id(field: &str, id: String) -> Result<String, Status> {
    if id.trim().is_empty() || Topic::user("", &id).is_err() {
        return Err(invalid(field, "is empty or too long"));
    }
    check::key(field, id, limits::SUBJECT_BYTES_MAX)
}

fn listing(size: i32, token: &str, conditions: &str) -> Result<(usize, Listing), Status> {
    let size = page::size(size, PAGES)?;
    let after = page::place(token, conditions.as_bytes())?;
    // One more than the page tells whether another follows.
    Ok((size, Listing { after, limit: size + 1 }))
}

fn cut<T>(
    mut found: Vec<T>,
    size: usize,
    conditions: &str,
    id: impl Fn(&T) -> &str,
) -> (Vec<T>, String) {
    let has_more = found.len() > size;
    found.truncate(size);
    let last = found.last().filter(|_| has_more);
    let token = last.map(|one| page::token(id(one), conditions.as_bytes()));
    (found, token.unwrap_or_default())
}

#[cfg(test)]
mod tests;
