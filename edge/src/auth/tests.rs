use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use roomcast_identity::{Error, Secret, User, mint_user};

use super::{Auth, Origins};
use crate::config::{AuthMode, Config};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const HOUR: Duration = Duration::from_secs(3600);

fn config(auth: AuthMode) -> Config {
    Config { jwt_secret: vec![Secret::new(SECRET).unwrap()], auth, ..Config::default() }
}

fn token(secret: &str) -> String {
    let user = User { id: "u1".to_owned(), ..User::dev() };
    mint_user(&Secret::new(secret).unwrap(), &user, HOUR).unwrap()
}

#[tokio::test]
async fn a_good_token_names_its_user_and_travels_on() {
    let auth = Auth::new(&config(AuthMode::Required)).unwrap();
    let token = token(SECRET);
    let identity = auth.identify(Some(&token)).await.unwrap();
    assert_eq!(identity.user.id, "u1");
    let caller = identity.caller(roomcast_runtime::trace::TraceContext::generate());
    let request = caller.request(());
    let shown = request.metadata().get("authorization").unwrap().to_str().unwrap();
    assert_eq!(shown, format!("Bearer {token}"));
    assert!(!format!("{identity:?} {caller:?}").contains(&token));
}

#[tokio::test]
async fn a_missing_token_is_refused_where_tokens_are_required() {
    let auth = Auth::new(&config(AuthMode::Required)).unwrap();
    for missing in [None, Some("")] {
        assert_eq!(auth.identify(missing).await.unwrap_err(), Error::Missing);
    }
}

#[tokio::test]
async fn a_missing_token_is_the_user_dev_in_development_and_the_core_is_shown_one() {
    let auth = Auth::new(&config(AuthMode::Dev)).unwrap();
    let identity = auth.identify(None).await.unwrap();
    assert_eq!(identity.user.id, "dev");
    let asserted = identity.session().token().unwrap();
    assert_eq!(auth.identify(Some(&asserted)).await.unwrap().user.id, "dev");
}

#[tokio::test]
async fn a_bad_token_is_refused_even_in_development() {
    for mode in [AuthMode::Required, AuthMode::Dev] {
        let auth = Auth::new(&config(mode)).unwrap();
        let foreign = token("fedcba9876543210fedcba9876543210");
        for bad in ["x", "a.b.c", &foreign] {
            let error = auth.identify(Some(bad)).await.unwrap_err();
            assert!(matches!(error, Error::Invalid(_)), "{error:?}");
        }
    }
}

#[tokio::test]
async fn a_header_that_is_no_bearer_token_is_refused_as_bad() {
    let auth = Auth::new(&config(AuthMode::Dev)).unwrap();
    let mut headers = HeaderMap::new();
    assert_eq!(auth.identify_headers(&headers).await.unwrap().user.id, "dev");
    headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Basic dTpw"));
    let error = auth.identify_headers(&headers).await.unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error:?}");
}

/// Whether a page of `origin` that asks for `host` comes in.
fn allows(config: &Config, origin: Option<&str>, host: &str) -> bool {
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
    if let Some(origin) = origin {
        headers.insert(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
    }
    Origins::new(config).allow(&headers)
}

#[test]
fn only_its_own_and_listed_pages_come_in() {
    let config = Config {
        allowed_origins: vec!["https://App.example/".to_owned()],
        frontend_url: Some("https://front.example".to_owned()),
        ..Config::default()
    };
    let host = "edge.example";
    for good in [
        None,
        Some("https://app.example"),
        Some("https://front.example"),
        Some("https://edge.example"),
    ] {
        assert!(allows(&config, good, host), "{good:?}");
    }
    for bad in [
        "https://evil.example",
        "null",
        "https://app.example.evil.example",
        "https://edge.example:8443",
        "http://localhost:3000",
    ] {
        assert!(!allows(&config, Some(bad), host), "{bad}");
    }
}

#[test]
fn development_allows_the_usual_front_ends_under_local_names_only() {
    let config = Config { dev: true, ..Config::default() };
    for origin in ["http://localhost:3000", "http://127.0.0.1:5173", "http://localhost:8000"] {
        assert!(allows(&config, Some(origin), "localhost:8000"), "{origin}");
    }
    assert!(allows(&config, None, "[::1]:8000"));
    assert!(!allows(&config, Some("http://localhost:9999"), "localhost:8000"));
    // A foreign name that resolves to this machine.
    assert!(!allows(&config, Some("http://evil.example:8000"), "evil.example:8000"));
    assert!(!allows(&config, None, "evil.example"));
}
