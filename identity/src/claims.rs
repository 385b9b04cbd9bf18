//! The claims as issuers write them: `sub` a string or a number, one role or many, scopes in one
//! string or a list.

use serde::Deserialize;

use crate::{DEFAULT_TENANT, Error, SERVICE_AUDIENCE, Scope, Service, User};

/// `sub` is a key of storage and of topics; nobody's id is longer.
const SUBJECT_BYTES_MAX: usize = 256;

#[derive(Deserialize)]
pub(crate) struct Claims {
    sub: Option<Subject>,
    tenant: Option<String>,
    email: Option<String>,
    role: Option<Words>,
    roles: Option<Words>,
    scope: Option<Words>,
    jti: Option<String>,
    // RFC 7519 allows fractions of a second.
    iat: Option<f64>,
    exp: Option<f64>,
    aud: Option<Words>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Subject {
    Text(String),
    Number(i64),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    One(String),
    Many(Vec<String>),
}

impl Claims {
    pub(crate) fn into_user(self) -> Result<User, Error> {
        if self.aud.as_ref().is_some_and(|audience| audience.contain(SERVICE_AUDIENCE)) {
            return Err(Error::invalid("it is a service's token, not a user's"));
        }
        let mut roles = self.role.map(Words::into_list).unwrap_or_default();
        for role in self.roles.map(Words::into_list).unwrap_or_default() {
            if !roles.contains(&role) {
                roles.push(role);
            }
        }
        Ok(User {
            id: subject(self.sub)?,
            tenant: self
                .tenant
                .filter(|tenant| !tenant.is_empty())
                .unwrap_or_else(|| DEFAULT_TENANT.to_owned()),
            roles,
            email: self.email,
            scopes: self.scope.map(Words::into_list).unwrap_or_default(),
            token_id: self.jti,
            issued_at: self.iat.map(unix_seconds),
            expires_at: self.exp.map(unix_seconds),
        })
    }

    /// A scope that this version does not know opens no door, and is no reason to refuse the others.
    pub(crate) fn into_service(self) -> Result<Service, Error> {
        let scopes = self.scope.map(Words::into_list).unwrap_or_default();
        let scopes = scopes.iter().filter_map(|word| word.parse::<Scope>().ok()).collect();
        Ok(Service { name: subject(self.sub)?, scopes })
    }
}

impl Words {
    fn into_list(self) -> Vec<String> {
        match self {
            Words::One(words) => words.split_whitespace().map(str::to_owned).collect(),
            Words::Many(words) => words,
        }
    }

    fn contain(&self, word: &str) -> bool {
        match self {
            Words::One(one) => one == word,
            Words::Many(many) => many.iter().any(|one| one == word),
        }
    }
}

fn subject(subject: Option<Subject>) -> Result<String, Error> {
    let id = match subject {
        Some(Subject::Text(text)) => text,
        Some(Subject::Number(number)) => number.to_string(),
        None => String::new(),
    };
    if id.is_empty() {
        return Err(Error::invalid("it names no subject (claim `sub`)"));
    }
    if id.len() > SUBJECT_BYTES_MAX {
        return Err(Error::invalid("its subject (claim `sub`) is longer than 256 bytes"));
    }
    Ok(id)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float to integer cast saturates, and no moment of ours comes near its bounds"
)]
fn unix_seconds(exp: f64) -> u64 {
    exp as u64
}
