//! Who may read a topic: the rules, in the order in which they are looked at. Joining asks them, and so
//! does who wants to know why; there is no other copy.

use roomcast_proto::registry::Code;
use tonic::Status;

use super::membership;
use super::wire::session::session_not_found;
use super::wire::{check, publish};
use crate::auth::{Caller, Door, Who};
use crate::domain::job::Job;
use crate::domain::project::Role;
use crate::domain::right::{Rule, Trail};
use crate::domain::room::Room;
use crate::domain::topic::{Kind, Topic};
use crate::error::status;
use crate::log::Log;

/// Whether a caller may read a topic.
pub(super) async fn may_read(
    (log, door): (&Log, &Door),
    caller: &Caller,
    topic: &Topic,
    trail: &mut Trail,
) -> Result<bool, Status> {
    match topic.kind() {
        Kind::Job => {
            let stored = log.store().job(topic.name()).await.map_err(status)?;
            let job = stored.as_ref().map(|stored| &stored.record.job);
            match job.filter(|job| job.spec.tenant == topic.tenant()) {
                Some(job) => may_use(log, caller, (job, Role::Viewer), trail).await,
                None => Ok(absent(topic, trail)),
            }
        }
        Kind::Session => {
            let found = log.store().session(topic.name()).await.map_err(status)?;
            match found.filter(|found| found.session.tenant == topic.tenant()) {
                Some(found) => {
                    let project_id = found.session.project_id;
                    may_look_into(log, caller, (topic.tenant(), &project_id), trail).await
                }
                None if door.is_dev() && Who::AUTHOR.has(caller) => {
                    Ok(trail.decides(Rule::Existence, true, || {
                        "in development the first join makes the session".into()
                    }))
                }
                None => Ok(absent(topic, trail)),
            }
        }
        Kind::Project => {
            let found = log.store().project(topic.name()).await.map_err(status)?;
            match found.filter(|project| project.tenant == topic.tenant()) {
                Some(_) => may_look_into(log, caller, (topic.tenant(), topic.name()), trail).await,
                None => Ok(absent(topic, trail)),
            }
        }
        Kind::Room => Ok(may_read_room(door, caller, topic, trail)),
        Kind::User => {
            let is_own = caller
                .user()
                .is_some_and(|user| Topic::user(&user.tenant, &user.id).as_ref() == Ok(topic));
            Ok(is_operator(caller, topic.tenant(), trail)
                || trail.decides(Rule::Owner, is_own, || "the user's own topic".into()))
        }
        Kind::Audit | Kind::Access => Ok(is_operator(caller, topic.tenant(), trail)
            || trail.decides(Rule::Otherwise, false, || "operators and auditors alone".into())),
    }
}

/// What is told to who may not: the same whether there is such a topic or not.
pub(super) fn refusal(topic: &Topic) -> Status {
    match topic.kind() {
        Kind::Job => check::job_not_found(topic.name()),
        Kind::Session => session_not_found(topic.name()),
        Kind::Project | Kind::Room | Kind::User | Kind::Audit | Kind::Access => {
            Code::TopicNotFound.status(format!("{topic} not found or access denied"))
        }
    }
}

/// Whether a caller may do with a job what takes this role in its project.
///
/// A job is its owner's as well, whatever becomes of the owner's membership.
pub(super) async fn may_use(
    log: &Log,
    caller: &Caller,
    (job, least): (&Job, Role),
    trail: &mut Trail,
) -> Result<bool, Status> {
    let spec = &job.spec;
    if trail.allows(Rule::Owner, caller.owns(job), || format!("the job is {}'s", spec.owner))
        || stands(caller, (&spec.tenant, least), trail)
        || caller.works()
    {
        return Ok(true);
    }
    match &spec.project {
        Some(project_id) => is_member(log, caller, (&spec.tenant, project_id, least), trail).await,
        None => Ok(trail.decides(Rule::Otherwise, false, || "the job is in no project".into())),
    }
}

async fn may_look_into(
    log: &Log,
    caller: &Caller,
    (tenant, project_id): (&str, &str),
    trail: &mut Trail,
) -> Result<bool, Status> {
    if is_operator(caller, tenant, trail) {
        return Ok(true);
    }
    is_member(log, caller, (tenant, project_id, Role::Viewer), trail).await
}

async fn is_member(
    log: &Log,
    caller: &Caller,
    (tenant, project_id, least): (&str, &str, Role),
    trail: &mut Trail,
) -> Result<bool, Status> {
    let role = membership::member(log, caller, tenant, project_id).await?;
    Ok(trail.decides(Rule::Member, role >= Some(least), || match role {
        Some(role) => format!("{} of project {project_id}", role.as_str()),
        None => format!("no member of project {project_id}"),
    }))
}

/// Whether a caller may read a room.
pub(super) fn may_read_room(
    door: &Door,
    caller: &Caller,
    topic: &Topic,
    trail: &mut Trail,
) -> bool {
    let is_view = publish::is_view(topic);
    if trail.denies(Rule::View, is_view, || match is_view {
        true => "a view of other rooms, shown with the dashboard".into(),
        false => "a room with a log of its own".into(),
    }) {
        return false;
    }
    // An edge asks once where a room stands that many of its users may enter.
    if is_operator(caller, topic.tenant(), trail) || caller.is_edge() {
        return true;
    }
    let room = door.rooms().get(topic.name());
    if trail.denies(Rule::Declaration, room.is_none(), || match room {
        Some(_) => "the room is declared".into(),
        None => "the room is not declared".into(),
    }) {
        return false;
    }
    let may = room.zip(caller.asking()).is_some_and(|(room, user)| room.may_read(user));
    trail.decides(Rule::Readers, may, || match room {
        Some(Room { readers, .. }) => match readers.words().join(", ").as_str() {
            "" => "it has no readers".into(),
            readers => format!("its readers: {readers}"),
        },
        None => String::new(),
    })
}

fn is_operator(caller: &Caller, tenant: &str, trail: &mut Trail) -> bool {
    stands(caller, (tenant, Role::Viewer), trail)
}

/// Whether a caller has this role in all of a tenant.
fn stands(caller: &Caller, (tenant, least): (&str, Role), trail: &mut Trail) -> bool {
    let is_so = caller.standing(tenant) >= Some(least);
    trail.allows(Rule::Operator, is_so, || match caller.user() {
        Some(user) if user.roles.is_empty() => "no roles".into(),
        Some(user) => format!("roles: {}", user.roles.join(", ")),
        None => "a service".into(),
    })
}

fn absent(topic: &Topic, trail: &mut Trail) -> bool {
    trail.decides(Rule::Existence, false, || format!("there is no {topic} in this tenant"))
}
