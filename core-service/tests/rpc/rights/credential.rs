//! Callers of all kinds.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use roomcast_identity::{SERVICE_AUDIENCE, Scope, ServiceKeys};
use roomcast_proto::registry::Code;
use serde_json::json;

use super::world::{OTHER, OWNER, TENANT};
use crate::core::{SERVICES, USERS, secret, service, user, user_with};

const TTL: Duration = Duration::from_secs(600);

/// What a caller shows.
pub(super) struct Credentials {
    pub(super) service: Option<String>,
    pub(super) user: Option<String>,
}

/// A service in its own name, which is the owner's as well: a name gives no right.
fn alone(scope: Scope) -> Credentials {
    let keys = ServiceKeys::new(vec![secret(SERVICES)]).expect("keys");
    let token = keys.mint(OWNER, &[scope], TTL).expect("a token");
    Credentials { service: Some(token), user: None }
}

fn through_an_edge(user: String) -> Credentials {
    Credentials { service: Some(service(&[Scope::Edge])), user: Some(user) }
}

/// A token that was over long ago.
fn expired(key: &str, audience: Option<&str>) -> String {
    let claims = json!({ "sub": OWNER, "tenant": TENANT, "scope": "admin", "aud": audience, "exp": 1_700_000_000 });
    let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let text = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let signature = hmac::sign(&key, text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

impl Credentials {
    /// Those who are let in, in the order of a line.
    pub(super) fn all() -> Vec<Credentials> {
        let scopes = [Scope::Edge, Scope::Worker, Scope::Service, Scope::Admin].map(alone);
        let with = |id, tenant, role: &str| user_with(id, tenant, vec![role.to_owned()]);
        let users = [
            user("sam", TENANT),
            user("vic", TENANT),
            user("ed", TENANT),
            user(OWNER, TENANT),
            with("aud", TENANT, "auditor"),
            with("root", TENANT, "admin"),
            with("root", OTHER, "admin"),
            user(OWNER, OTHER),
        ];
        scopes.into_iter().chain(users.map(through_an_edge)).collect()
    }

    /// Those who are not, and what they are told.
    pub(super) fn bad() -> [(Credentials, Code); 5] {
        let own = Some(user(OWNER, TENANT));
        let over = Some(expired(SERVICES, Some(SERVICE_AUDIENCE)));
        [
            (Credentials { service: None, user: None }, Code::ServiceCredentialRequired),
            (Credentials { service: None, user: own.clone() }, Code::ServiceCredentialRequired),
            (Credentials { service: over, user: own }, Code::TokenExpired),
            (through_an_edge(expired(USERS, None)), Code::TokenExpired),
            (through_an_edge(user("rex", TENANT)), Code::TokenRevoked),
        ]
    }
}
