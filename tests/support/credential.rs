//! Tokens, signed with keys that only the tests' own processes accept.

use std::time::Duration;

use roomcast_identity::{DEFAULT_TENANT, Scope, Secret, ServiceKeys, User, mint_user};

/// Signs users' tokens. Without a comma, which separates two secrets.
pub(crate) const USER_SECRET: &str = "the users of the whole-system tests; 32 bytes or more";
/// Signs services' tokens.
pub(crate) const SERVICE_SECRET: &str = "the services of the whole-system tests; 32 bytes or more";

const VALID_FOR: Duration = Duration::from_secs(3600);

/// A token as it travels.
pub(crate) type Token = String;

/// A user of the default tenant without a role.
pub(crate) fn user(name: &str) -> Token {
    mint(DEFAULT_TENANT, name, &[])
}

/// A user with the role admin.
pub(crate) fn admin(name: &str) -> Token {
    admin_of(DEFAULT_TENANT, name)
}

/// A user with a role.
pub(crate) fn user_with_role(name: &str, role: &str) -> Token {
    mint(DEFAULT_TENANT, name, &[role])
}

/// An admin of another tenant.
pub(crate) fn admin_of(tenant: &str, name: &str) -> Token {
    mint(tenant, name, &["admin"])
}

/// A user's token that somebody else signed.
pub(crate) fn forged_user(name: &str) -> Token {
    let key = secret("nobody here has ever heard of this secret of 32 bytes");
    let user = User { id: name.to_owned(), roles: Vec::new(), ..User::dev() };
    mint_user(&key, &user, VALID_FOR).expect("a token")
}

/// A user's token whose time was over long before now, signed as all are.
pub(crate) fn expired_user(name: &str) -> Token {
    use jsonwebtoken::{EncodingKey, Header, encode};
    let claims = serde_json::json!({ "sub": name, "exp": 1_700_000_000 });
    let key = EncodingKey::from_secret(USER_SECRET.as_bytes());
    encode(&Header::default(), &claims, &key).expect("a token")
}

/// A user's token with an id of the test's own.
pub(crate) fn user_with_id(name: &str, token_id: &str) -> Token {
    let token_id = Some(token_id.to_owned());
    let user = User { id: name.to_owned(), token_id, roles: Vec::new(), ..User::dev() };
    mint_user(&secret(USER_SECRET), &user, VALID_FOR).expect("a token")
}

/// A user's token whose time is over so many seconds from now, or was so many ago.
pub(crate) fn user_until(name: &str, seconds: i64) -> Token {
    use jsonwebtoken::{EncodingKey, Header, encode};
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time");
    let now = i64::try_from(now.as_secs()).expect("a time");
    let claims = serde_json::json!({ "sub": name, "iat": now - 60, "exp": now + seconds });
    let key = EncodingKey::from_secret(USER_SECRET.as_bytes());
    encode(&Header::default(), &claims, &key).expect("a token")
}

/// A token of a user that the test describes whole.
pub(crate) fn token_of(user: &User) -> Token {
    mint_user(&secret(USER_SECRET), user, VALID_FOR).expect("a token")
}

fn mint(tenant: &str, name: &str, roles: &[&str]) -> Token {
    let roles = roles.iter().map(|role| (*role).to_owned()).collect();
    let user = User { id: name.to_owned(), tenant: tenant.to_owned(), roles, ..User::dev() };
    mint_user(&secret(USER_SECRET), &user, VALID_FOR).expect("a token")
}

/// A service with these scopes.
pub(crate) fn service(scopes: &[Scope]) -> Token {
    let keys = ServiceKeys::new(vec![secret(SERVICE_SECRET)]).expect("keys");
    keys.mint("system-test", scopes, VALID_FOR).expect("a token")
}

fn secret(text: &str) -> Secret {
    Secret::new(text).expect("a secret that is long enough")
}
