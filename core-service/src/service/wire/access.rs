//! Revocations and users, as the contract shows them.

use roomcast_proto::registry::Code;
use roomcast_proto::v1::{self, revocation, revoke_request};
use tonic::Status;

use super::check::{self, invalid};
use super::timestamp;
use crate::domain::access::{Entry, Revocation, Revoked, User};
use crate::domain::limits;
use crate::domain::time::Time;

/// The revocation that a request asks for.
pub(in crate::service) fn revocation(
    request: v1::RevokeRequest,
    tenant: String,
    by: &str,
    now: Time,
) -> Result<Revocation, Status> {
    let issued_until = check::time("issued_until", request.issued_until)?;
    let revoked = match request.revoked {
        Some(revoke_request::Revoked::TokenId(id)) => Revoked::Token(subject("token_id", id)?),
        Some(revoke_request::Revoked::Subject(id)) => Revoked::Subject {
            id: subject("subject", id)?,
            issued_until: issued_until.unwrap_or(now),
        },
        None => return Err(invalid("revoked", "name a token_id or a subject")),
    };
    let expires_at = check::time("expire_time", request.expire_time)?;
    let expires_at = expires_at.unwrap_or(now + limits::REVOCATION_LIFE);
    if expires_at <= now || expires_at > now + limits::TIMEOUT_MAX {
        return Err(invalid("expire_time", "must lie ahead, by at most 366 days"));
    }
    let reason = check::text("reason", request.reason, limits::MESSAGE_BYTES_MAX)?;
    Ok(Revocation { tenant, revoked, expires_at, reason, by: by.into(), at: now })
}

/// An id that tokens carry: opaque, but neither empty nor endless.
pub(in crate::service) fn subject(field: &str, id: String) -> Result<String, Status> {
    if id.is_empty() {
        return Err(invalid(field, "is required"));
    }
    check::key(field, id, limits::SUBJECT_BYTES_MAX)
}

/// A revocation's id: what it revokes, in base64 and with a mark before it.
pub(in crate::service) fn revocation_id(id: String) -> Result<String, Status> {
    check::key("revocation_id", id, limits::SUBJECT_BYTES_MAX * 2)
}

pub(in crate::service) fn to_revocation(revocation: Revocation) -> v1::Revocation {
    let revocation_id = revocation.revoked.id();
    let (revoked, issued_until) = match revocation.revoked {
        Revoked::Token(id) => (revocation::Revoked::TokenId(id), None),
        Revoked::Subject { id, issued_until } => {
            (revocation::Revoked::Subject(id), Some(timestamp(issued_until)))
        }
    };
    v1::Revocation {
        revocation_id,
        tenant: revocation.tenant,
        revoked: Some(revoked),
        issued_until,
        expire_time: Some(timestamp(revocation.expires_at)),
        reason: revocation.reason,
        revoked_by: revocation.by,
        revoke_time: Some(timestamp(revocation.at)),
    }
}

pub(in crate::service) fn to_user(user: User) -> v1::User {
    v1::User {
        user_id: user.id,
        tenant: user.tenant,
        display_name: user.display_name,
        disabled: user.is_disabled,
        create_time: Some(timestamp(user.created_at)),
        update_time: Some(timestamp(user.updated_at)),
    }
}

/// The user that a commit answered.
pub(in crate::service) fn user_of(entry: Option<Entry>) -> Result<v1::User, Status> {
    match entry {
        Some(Entry::User(user)) => Ok(to_user(user)),
        Some(Entry::Revocation(_) | Entry::Ticket(_)) | None => {
            Err(Code::Internal.status("a user was expected"))
        }
    }
}
