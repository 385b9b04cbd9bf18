//! Projects and their members: rows by key.

use super::{Answer, Row, Sql, values};
use crate::domain::project::{Member, Membership, Project, Role};
use crate::domain::time::Time;
use crate::store::Error;
use crate::store::session::Listing;

/// A role's stored number. Never change one.
const fn number(role: Role) -> i64 {
    match role {
        Role::Viewer => 1,
        Role::Editor => 2,
        Role::Owner => 3,
    }
}

fn role_of(number: i64) -> Result<Role, Error> {
    let known = [Role::Viewer, Role::Editor, Role::Owner].into_iter();
    let mut known = known.filter(|role| self::number(*role) == number);
    known.next().ok_or_else(|| Error::Damaged(format!("no role has number {number}")))
}

pub(crate) fn insert<S: Sql>(sql: &S, project: &Project) -> Answer<(), S> {
    let Project { project_id, tenant, name, owner, created_at } = project;
    sql.execute(
        "INSERT INTO project VALUES(?1, ?2, ?3, ?4, ?5)",
        values![project_id, tenant, name, owner, *created_at],
    )?;
    put_member(sql, project, owner, Some(Role::Owner))
}

pub(crate) fn get<S: Sql>(sql: &S, project_id: &str) -> Answer<Option<Project>, S> {
    let found = sql.row(
        "SELECT project_id, tenant, name, owner, created_at FROM project WHERE project_id = ?1",
        values![project_id],
    )?;
    Ok(found.as_ref().map(read).transpose()?)
}

pub(crate) fn has_sessions<S: Sql>(sql: &S, project_id: &str) -> Answer<bool, S> {
    let found = sql
        .row("SELECT session_id FROM session WHERE project_id = ?1 LIMIT 1", values![project_id])?;
    Ok(found.is_some())
}

/// With its members, and with what was used in it: first the row that whoever adds to it holds.
pub(crate) fn delete<S: Sql>(sql: &S, project_id: &str) -> Answer<(), S> {
    for delete in [
        "DELETE FROM project WHERE project_id = ?1",
        "DELETE FROM project_member WHERE project_id = ?1",
        "DELETE FROM usage_total WHERE project_id = ?1",
    ] {
        sql.execute(delete, values![project_id])?;
    }
    Ok(())
}

fn read(row: &Row) -> Result<Project, Error> {
    Ok(Project {
        project_id: row.text(0)?,
        tenant: row.text(1)?,
        name: row.text(2)?,
        owner: row.text(3)?,
        created_at: Time(row.unsigned(4)?),
    })
}

/// A tenant's projects, or those of a member, newest first.
pub(crate) fn list<S: Sql>(
    sql: &S,
    tenant: &str,
    member: Option<&str>,
    listing: &Listing,
) -> Answer<Vec<Project>, S> {
    let after = listing.after.as_deref();
    let found = match member {
        Some(member) => sql.rows(
            "SELECT p.project_id, p.tenant, p.name, p.owner, p.created_at
             FROM project_member m JOIN project p ON p.project_id = m.project_id
             WHERE m.tenant = ?1 AND m.user_id = ?2
             AND (CAST(?3 AS TEXT) IS NULL OR m.project_id < ?3)
             ORDER BY m.project_id DESC LIMIT ?4",
            values![tenant, member, after, listing.limit],
        )?,
        None => sql.rows(
            "SELECT project_id, tenant, name, owner, created_at FROM project
             WHERE tenant = ?1 AND (CAST(?2 AS TEXT) IS NULL OR project_id < ?2)
             ORDER BY project_id DESC LIMIT ?3",
            values![tenant, after, listing.limit],
        )?,
    };
    Ok(found.iter().map(read).collect::<Result<_, _>>()?)
}

pub(crate) fn role<S: Sql>(sql: &S, project_id: &str, user_id: &str) -> Answer<Option<Role>, S> {
    let found = sql.row(
        "SELECT role FROM project_member WHERE project_id = ?1 AND user_id = ?2",
        values![project_id, user_id],
    )?;
    Ok(found.map(|row| role_of(row.number(0)?)).transpose()?)
}

/// What a change of one member is decided on.
pub(crate) fn membership<S: Sql>(
    sql: &S,
    project_id: &str,
    user_id: &str,
) -> Answer<Membership, S> {
    let role = role(sql, project_id, user_id)?;
    let found = sql.row(
        "SELECT count(*), count(*) FILTER (WHERE role = ?2) FROM project_member
         WHERE project_id = ?1",
        values![project_id, number(Role::Owner)],
    )?;
    let found = found.ok_or_else(|| Error::Damaged("a count is missing".into()))?;
    Ok(Membership { role, members: found.unsigned(0)?, owners: found.unsigned(1)? })
}

pub(crate) fn put_member<S: Sql>(
    sql: &S,
    project: &Project,
    user_id: &str,
    role: Option<Role>,
) -> Answer<(), S> {
    match role {
        None => sql.execute(
            "DELETE FROM project_member WHERE project_id = ?1 AND user_id = ?2",
            values![&project.project_id, user_id],
        )?,
        Some(role) => sql.execute(
            "INSERT INTO project_member VALUES(?1, ?2, ?3, ?4)
             ON CONFLICT(project_id, user_id) DO UPDATE SET role = excluded.role",
            values![&project.project_id, user_id, &project.tenant, number(role)],
        )?,
    };
    Ok(())
}

pub(crate) fn members<S: Sql>(sql: &S, project_id: &str) -> Answer<Vec<Member>, S> {
    let found = sql.rows(
        "SELECT user_id, role FROM project_member WHERE project_id = ?1 ORDER BY user_id",
        values![project_id],
    )?;
    let member = |row: &Row| Ok(Member { user_id: row.text(0)?, role: role_of(row.number(1)?)? });
    Ok(found.iter().map(member).collect::<Result<_, Error>>()?)
}
