//! Rights that come from a project: of its sessions, its topic and its jobs.

use roomcast_proto::registry::Code;
use tonic::Status;

use super::wire::check;
use super::wire::session::{project_not_found, session_not_found};
use crate::auth::{Caller, Who};
use crate::domain::job::Spec;
use crate::domain::name::is_name;
use crate::domain::project::{Project, Role};
use crate::domain::session::Session;
use crate::error::status;
use crate::log::{Log, now};
use crate::store::commit::{Action, Command};
use crate::store::session::{self as session_store, Outline};
use crate::store::{Error, Refusal};

/// A caller's role in a project of a tenant; none also where there is no such project.
pub(super) async fn role(
    log: &Log,
    caller: &Caller,
    tenant: &str,
    project_id: &str,
) -> Result<Option<Role>, Status> {
    let standing = caller.standing(tenant);
    if standing == Some(Role::Owner) {
        return Ok(standing);
    }
    let member = member(log, caller, tenant, project_id).await?;
    Ok(standing.max(member))
}

/// A caller's role in a project by membership alone.
pub(super) async fn member(
    log: &Log,
    caller: &Caller,
    tenant: &str,
    project_id: &str,
) -> Result<Option<Role>, Status> {
    match caller.user().filter(|user| user.tenant == tenant) {
        Some(user) => log.store().role(project_id, &user.id).await.map_err(status),
        None => Ok(None),
    }
}

/// A project in which the caller has at least this role.
pub(super) async fn project(
    log: &Log,
    caller: &Caller,
    project_id: &str,
    least: Role,
) -> Result<Project, Status> {
    let found = match project_id {
        "" => return Err(check::invalid("project_id", "is required")),
        id if is_name(id) => log.store().project(id).await.map_err(status)?,
        _ => None,
    };
    let not_found = || project_not_found(project_id);
    let found = found.ok_or_else(not_found)?;
    let role = role(log, caller, &found.tenant, project_id).await?.ok_or_else(not_found)?;
    require(role, least)?;
    Ok(found)
}

/// A session in whose project the caller has at least this role.
pub(super) async fn session(
    log: &Log,
    caller: &Caller,
    session_id: &str,
    least: Role,
) -> Result<Outline, Status> {
    let found = match session_id {
        "" => return Err(check::invalid("session_id", "is required")),
        id if is_name(id) => log.store().session(id).await.map_err(status)?,
        _ => None,
    };
    let not_found = || session_not_found(session_id);
    let found = found.ok_or_else(not_found)?;
    let session = &found.session;
    let role = role(log, caller, &session.tenant, &session.project_id).await?;
    require(role.ok_or_else(not_found)?, least)?;
    Ok(found)
}

/// A job to be, where its creator may create one. There is no other job to create.
#[derive(Debug)]
pub(super) struct Placed(Spec);

impl Placed {
    #[cfg(test)]
    pub(super) fn anywhere(spec: Spec) -> Placed {
        Placed(spec)
    }

    pub(super) fn spec(self) -> Spec {
        self.0
    }
}

/// A job to be, in its place: the tenant and project of its session, if it works for one. The caller may
/// create jobs there.
pub(super) async fn placed(log: &Log, caller: &Caller, spec: Spec) -> Result<Placed, Status> {
    let Some(session_id) = &spec.session else {
        match &spec.project {
            Some(project_id) if caller.steers_all_jobs() => {
                there(log, &spec.tenant, project_id).await?;
            }
            Some(project_id) => drop(project(log, caller, project_id, Role::Editor).await?),
            None => {}
        }
        return Ok(Placed(spec));
    };
    let found = session(log, caller, session_id, Role::Editor).await?.session;
    if found.closed_at.is_some() {
        return Err(Code::SessionClosed.status("the session was closed"));
    }
    if spec.project.as_ref().is_some_and(|project_id| *project_id != found.project_id) {
        return Err(check::invalid("project_id", "must be the session's"));
    }
    Ok(Placed(Spec { tenant: found.tenant, project: Some(found.project_id), ..spec }))
}

/// That a tenant has this project, for whoever needs no role in it.
async fn there(log: &Log, tenant: &str, project_id: &str) -> Result<(), Status> {
    let found = log.store().project(project_id).await.map_err(status)?;
    let is_there = found.is_some_and(|project| project.tenant == tenant);
    if is_there { Ok(()) } else { Err(project_not_found(project_id)) }
}

/// Makes a session of this name in a project of the same name, owned by the caller, unless it is there or
/// the caller makes no projects.
pub(super) async fn improvise(log: &Log, caller: &Caller, session_id: &str) -> Result<(), Status> {
    if !Who::AUTHOR.has(caller)
        || log.store().session(session_id).await.map_err(status)?.is_some()
        || check::name("session_id", session_id.to_owned()).is_err()
    {
        return Ok(());
    }
    let (tenant, id, created_at) = (caller.tenant("").to_owned(), session_id.to_owned(), now());
    let project = Project {
        project_id: id.clone(),
        tenant: tenant.clone(),
        name: id.clone(),
        owner: caller.name().to_owned(),
        created_at,
    };
    let (project_id, name) = (id.clone(), id.clone());
    let session = Session { session_id: id, project_id, tenant, name, created_at, closed_at: None };
    for action in [
        session_store::Action::CreateProject(project),
        session_store::Action::CreateSession(session),
    ] {
        let action = Action::Session(Box::new(action));
        let command = Command { action, idempotency: None, trace: caller.trace };
        match log.commit_session(command).await {
            // Another caller was as quick.
            Ok(_) | Err(Error::Refused(Refusal::Session(session_store::Refusal::Taken(_)))) => {}
            Err(error) => return Err(status(error)),
        }
    }
    Ok(())
}

pub(super) fn require(role: Role, least: Role) -> Result<(), Status> {
    if role >= least {
        return Ok(());
    }
    let message = match least {
        Role::Viewer => "a viewer of the project may do this",
        Role::Editor => "this takes role editor in the project",
        Role::Owner => "this takes role owner in the project",
    };
    Err(Code::PermissionDenied.status(message))
}
