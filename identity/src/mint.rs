use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, Header, encode};
use serde::Serialize;
use uuid::Uuid;

use crate::{MintError, Secret, User};

/// Whom a minted token is from and for, where the verifier demands it.
#[derive(Debug, Clone, Default)]
pub struct Intended {
    /// Claim `iss`.
    pub issuer: Option<String>,
    /// Claim `aud`.
    pub audience: Option<String>,
}

/// A user's token, signed with a shared secret. [`User::expires_at`] gives way to `ttl`.
pub fn mint_user(secret: &Secret, user: &User, ttl: Duration) -> Result<String, MintError> {
    mint_user_for(secret, user, ttl, &Intended::default())
}

/// Like [`mint_user`], for a verifier that demands an issuer or an audience.
pub fn mint_user_for(
    secret: &Secret,
    user: &User,
    ttl: Duration,
    intended: &Intended,
) -> Result<String, MintError> {
    let claims = NewClaims {
        sub: &user.id,
        tenant: Some(&user.tenant),
        email: user.email.as_deref(),
        roles: &user.roles,
        scope: user.scopes.join(" "),
        jti: user.token_id.clone(),
        iss: intended.issuer.as_deref(),
        aud: intended.audience.as_deref(),
    };
    sign(secret, claims, ttl)
}

/// The claims that the caller chooses; times and a missing id are filled in at signing.
#[derive(Serialize)]
pub(crate) struct NewClaims<'a> {
    pub(crate) sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(crate) roles: &'a [String],
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) scope: String,
    pub(crate) jti: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) aud: Option<&'a str>,
}

#[derive(Serialize)]
struct Timed<'a> {
    #[serde(flatten)]
    claims: NewClaims<'a>,
    iat: u64,
    exp: u64,
}

pub(crate) fn sign(
    secret: &Secret,
    mut claims: NewClaims<'_>,
    ttl: Duration,
) -> Result<String, MintError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| MintError::Time)?;
    let exp = now.checked_add(ttl).ok_or(MintError::Time)?.as_secs();
    // Without an id a token could not be revoked.
    claims.jti.get_or_insert_with(|| Uuid::new_v4().to_string());
    let timed = Timed { claims, iat: now.as_secs(), exp };
    Ok(encode(&Header::new(Algorithm::HS256), &timed, &secret.encoding_key())?)
}
