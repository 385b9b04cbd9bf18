//! Projects and their members: rows by key.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::failure::Failure;
use super::row::{self, signed};
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

fn role_of(number: i64) -> Result<Role, Failure> {
    let known = [Role::Viewer, Role::Editor, Role::Owner].into_iter();
    let mut known = known.filter(|role| self::number(*role) == number);
    known.next().ok_or_else(|| Error::Damaged(format!("no role has number {number}")).into())
}

pub(super) fn insert(connection: &Connection, project: &Project) -> Result<(), Failure> {
    connection.prepare_cached("INSERT INTO project VALUES(?1, ?2, ?3, ?4, ?5)")?.execute(
        params![
            project.project_id,
            project.tenant,
            project.name,
            project.owner,
            signed(project.created_at.0),
        ],
    )?;
    put_member(connection, project, &project.owner, Some(Role::Owner))
}

pub(super) fn get(connection: &Connection, project_id: &str) -> Result<Option<Project>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT project_id, tenant, name, owner, created_at FROM project WHERE project_id = ?1",
    )?;
    Ok(statement.query_row([project_id], read).optional()?)
}

pub(super) fn has_sessions(connection: &Connection, project_id: &str) -> Result<bool, Failure> {
    let mut statement =
        connection.prepare_cached("SELECT 1 FROM session WHERE project_id = ?1 LIMIT 1")?;
    Ok(statement.exists([project_id])?)
}

/// With its members.
pub(super) fn delete(connection: &Connection, project_id: &str) -> Result<(), Failure> {
    for sql in [
        "DELETE FROM project_member WHERE project_id = ?1",
        "DELETE FROM project WHERE project_id = ?1",
    ] {
        connection.prepare_cached(sql)?.execute([project_id])?;
    }
    Ok(())
}

fn read(found: &Row<'_>) -> rusqlite::Result<Project> {
    Ok(Project {
        project_id: found.get(0)?,
        tenant: found.get(1)?,
        name: found.get(2)?,
        owner: found.get(3)?,
        created_at: Time(row::unsigned(found, 4)?),
    })
}

/// A tenant's projects, or those of a member, newest first.
pub(super) fn list(
    connection: &Connection,
    tenant: &str,
    member: Option<&str>,
    listing: &Listing,
) -> Result<Vec<Project>, Failure> {
    let sql = match member {
        Some(_) => {
            "SELECT p.project_id, p.tenant, p.name, p.owner, p.created_at
             FROM project_member m JOIN project p ON p.project_id = m.project_id
             WHERE m.tenant = ?1 AND m.user_id = ?2 AND (?3 IS NULL OR m.project_id < ?3)
             ORDER BY m.project_id DESC LIMIT ?4"
        }
        None => {
            "SELECT project_id, tenant, name, owner, created_at FROM project
             WHERE tenant = ?1 AND ?2 IS NULL AND (?3 IS NULL OR project_id < ?3)
             ORDER BY project_id DESC LIMIT ?4"
        }
    };
    let mut statement = connection.prepare_cached(sql)?;
    let wanted = params![tenant, member, listing.after, signed(listing.limit as u64)];
    Ok(statement.query_map(wanted, read)?.collect::<Result<_, _>>()?)
}

pub(super) fn role(
    connection: &Connection,
    project_id: &str,
    user_id: &str,
) -> Result<Option<Role>, Failure> {
    let found: Option<i64> = connection
        .prepare_cached("SELECT role FROM project_member WHERE project_id = ?1 AND user_id = ?2")?
        .query_row([project_id, user_id], |found| found.get(0))
        .optional()?;
    found.map(role_of).transpose()
}

/// What a change of one member is decided on.
pub(super) fn membership(
    connection: &Connection,
    project_id: &str,
    user_id: &str,
) -> Result<Membership, Failure> {
    let role = role(connection, project_id, user_id)?;
    let mut statement = connection.prepare_cached(
        "SELECT count(*), count(*) FILTER (WHERE role = ?2) FROM project_member
         WHERE project_id = ?1",
    )?;
    let count = |found: &Row<'_>| Ok((row::unsigned(found, 0)?, row::unsigned(found, 1)?));
    let (members, owners) = statement.query_row(params![project_id, number(Role::Owner)], count)?;
    Ok(Membership { role, members, owners })
}

pub(super) fn put_member(
    connection: &Connection,
    project: &Project,
    user_id: &str,
    role: Option<Role>,
) -> Result<(), Failure> {
    let Some(role) = role else {
        connection
            .prepare_cached("DELETE FROM project_member WHERE project_id = ?1 AND user_id = ?2")?
            .execute([project.project_id.as_str(), user_id])?;
        return Ok(());
    };
    connection
        .prepare_cached("INSERT OR REPLACE INTO project_member VALUES(?1, ?2, ?3, ?4)")?
        .execute(params![project.project_id, user_id, project.tenant, number(role)])?;
    Ok(())
}

pub(super) fn members(connection: &Connection, project_id: &str) -> Result<Vec<Member>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT user_id, role FROM project_member WHERE project_id = ?1 ORDER BY user_id",
    )?;
    let mut rows = statement.query([project_id])?;
    let mut members = Vec::new();
    while let Some(found) = rows.next()? {
        members.push(Member { user_id: found.get(0)?, role: role_of(found.get(1)?)? });
    }
    Ok(members)
}
