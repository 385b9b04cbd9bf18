//! Is the token good, whose is it, and how long does it last?

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use roomcast_proto::registry::Code;
use roomcast_proto::v1::CheckAccessRequest;
use roomcast_proto::v1::access_service_client::AccessServiceClient;
use serde_json::Value;

use super::report::Finding;
use crate::connection::{Connection, Core, call};
use crate::failure::mend;

/// Less than this left, and the next long command may outlive it.
const SOON_S: u64 = 600;

pub(super) async fn check(core: &Core, connection: &Connection) -> Vec<Finding> {
    let mut findings = Vec::new();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let tokens = [("token", &connection.token), ("service", &connection.service_token)];
    for (check, token) in tokens {
        match token {
            Some(token) => findings.push(claims(check, token.reveal(), now)),
            None => findings.push(Finding::ok(check, "no token is set")),
        }
    }
    findings.push(admitted(core).await);
    findings
}

/// Whether the core lets us in is for the core to say.
async fn admitted(core: &Core) -> Finding {
    const CHECK: &str = "access";
    let mut access = AccessServiceClient::new(core.channel());
    match access.check_access(call(CheckAccessRequest::default())).await {
        Ok(_) => Finding::ok(CHECK, "the core lets these credentials in"),
        Err(status) => {
            let code = Code::of(&status);
            Finding::fail(CHECK, format_args!("{} [{code}]", status.message()), mend(code))
        }
    }
}

/// What a token says of itself, unverified; the token itself is not shown.
fn claims(check: &'static str, token: &str, now: u64) -> Finding {
    let Some(claims) = decode(token) else {
        return Finding::fail(check, "it is no JSON Web Token", "get one: roomcast token mint");
    };
    let claim = |name: &str| claims.get(name).map(plain).filter(|value| !value.is_empty());
    let told: Vec<_> = ["sub", "tenant", "role", "roles", "scope", "iss", "aud"]
        .into_iter()
        .filter_map(|name| claim(name).map(|value| format!("{name}={value}")))
        .collect();
    let told = told.join(" ");
    match claims.get("exp").and_then(Value::as_u64) {
        None => {
            Finding::fail(check, format_args!("{told}, without an expiry"), "`exp` is required")
        }
        Some(exp) if exp <= now => Finding::fail(
            check,
            format_args!("{told}, expired {} s ago", now - exp),
            "get a fresh one: roomcast token mint",
        ),
        Some(exp) if exp - now < SOON_S => Finding::warn(
            check,
            format_args!("{told}, expires in {} s", exp - now),
            "get a fresh one: roomcast token mint",
        ),
        Some(exp) => {
            Finding::ok(check, format_args!("{told}, expires in {} min", (exp - now) / 60))
        }
    }
}

fn decode(token: &str) -> Option<Value> {
    let payload = token.split('.').nth(1)?;
    let claims = BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice(&claims).ok().filter(Value::is_object)
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(","),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use roomcast_identity::{Scope, Secret, ServiceKeys, User, mint_user};
    use tokio::net::TcpListener;
    use tokio_util::sync::CancellationToken;

    use super::super::report::Level;
    use super::*;

    #[test]
    fn a_token_is_told_by_its_claims_and_its_time() {
        let secret = Secret::new("0123456789abcdef0123456789abcdef").unwrap();
        let token = mint_user(&secret, &User::dev(), Duration::from_secs(3600)).unwrap();
        let exp = decode(&token).unwrap()["exp"].as_u64().unwrap();
        for (now, level, told) in [
            (exp - 3600, Level::Ok, "sub=dev tenant=default roles=admin, expires in 60 min"),
            (exp - 60, Level::Warn, "sub=dev tenant=default roles=admin, expires in 60 s"),
            (exp + 5, Level::Fail, "sub=dev tenant=default roles=admin, expired 5 s ago"),
        ] {
            let finding = claims("token", &token, now);
            assert_eq!((finding.level, finding.found.as_str()), (level, told));
            assert!(!finding.found.contains(&token));
        }
        assert_eq!(claims("token", "nonsense", 0).level, Level::Fail);
    }

    #[tokio::test]
    async fn an_edges_credential_is_let_in() {
        let folder = tempfile::tempdir().unwrap();
        let secret = Secret::new("services-secret-services-secret-12345").unwrap();
        let mut config = roomcast_core::Config::development(folder.path().join("data"));
        config.dev = false;
        config.jwt_secret = vec![Secret::new("0123456789abcdef0123456789abcdef").unwrap()];
        config.service_secret = vec![secret.clone()];
        let keys = ServiceKeys::new(vec![secret]).unwrap();
        let token = keys.mint("edge-1", &[Scope::Edge], Duration::from_secs(60)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let connection = Connection {
            url: format!("http://{}", listener.local_addr().unwrap()),
            token: None,
            service_token: Some(token.into()),
            core_ca: None,
            core_cert: None,
            core_key: None,
        };
        let stop = CancellationToken::new();
        let serving = tokio::spawn(roomcast_core::serve(config, listener, stop.clone()));
        let finding = admitted(&connection.open().await.unwrap()).await;
        assert_eq!(finding.level, Level::Ok, "{}", finding.found);
        stop.cancel();
        serving.await.unwrap().unwrap();
    }
}
