use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{AlgorithmFamily, EncodingKey, encode};
use serde_json::{Value, json};

use super::*;
use crate::{Scope, ServiceKeys, mint_user};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const OLD_SECRET: &str = "fedcba9876543210fedcba9876543210";
const HOUR: Duration = Duration::from_secs(3600);

fn secret(text: &str) -> Secret {
    Secret::new(text).unwrap()
}

fn with_secrets(secrets: &[&str]) -> UserKeysConfig {
    let secrets = secrets.iter().copied().map(secret).collect();
    UserKeysConfig { secrets, ..UserKeysConfig::default() }
}

fn keys(secrets: &[&str]) -> UserKeys {
    UserKeys::new(with_secrets(secrets)).unwrap()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn hs256(secret: &str, claims: Value) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap()
}

fn reason(refusal: Result<User, Error>) -> String {
    match refusal.unwrap_err() {
        Error::Invalid(reason) => reason,
        other @ (Error::Missing | Error::Expired) => panic!("{other:?}"),
    }
}

/// A key pair of an issuer, as its tokens and its key set need it.
struct Pair {
    id: &'static str,
    algorithm: Algorithm,
    signing: EncodingKey,
    published: Value,
}

impl Pair {
    fn new(id: &'static str, algorithm: Algorithm) -> Self {
        let signing = match algorithm.family() {
            AlgorithmFamily::Rsa => {
                let pair = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048).unwrap();
                let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
                let body = BASE64_STANDARD.encode(der.as_ref());
                let pem =
                    format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
                EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap()
            }
            AlgorithmFamily::Ec => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
                EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref())
            }
            AlgorithmFamily::Ed => {
                let pair = Ed25519KeyPair::generate().unwrap();
                EncodingKey::from_ed_der(pair.to_pkcs8v1().unwrap().as_ref())
            }
            AlgorithmFamily::Hmac => EncodingKey::from_secret(SECRET.as_bytes()),
        };
        let mut published =
            serde_json::to_value(Jwk::from_encoding_key(&signing, algorithm).unwrap()).unwrap();
        published["kid"] = json!(id);
        Self { id, algorithm, signing, published }
    }

    fn sign(&self, claims: Value) -> String {
        let header = Header { kid: Some(self.id.to_owned()), ..Header::new(self.algorithm) };
        encode(&header, &claims, &self.signing).unwrap()
    }

    fn token_of(&self, subject: &str) -> String {
        self.sign(json!({"sub": subject, "exp": now() + 60}))
    }
}

/// An issuer's key set, served on loopback.
struct Issuer {
    url: String,
    answer: Arc<Mutex<(StatusCode, String)>>,
    fetches: Arc<AtomicUsize>,
}

type Served = (Arc<Mutex<(StatusCode, String)>>, Arc<AtomicUsize>);

impl Issuer {
    async fn start(pairs: &[&Pair]) -> Self {
        let answer = Arc::new(Mutex::new((StatusCode::OK, String::new())));
        let fetches = Arc::new(AtomicUsize::new(0));
        let router = axum::Router::new()
            .route("/jwks.json", axum::routing::get(Self::serve))
            .with_state((Arc::clone(&answer), Arc::clone(&fetches)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let issuer = Self { url, answer, fetches };
        issuer.publish(pairs);
        issuer
    }

    async fn serve(State((answer, fetches)): State<Served>) -> (StatusCode, String) {
        fetches.fetch_add(1, Ordering::SeqCst);
        answer.lock().unwrap().clone()
    }

    fn publish(&self, pairs: &[&Pair]) {
        let keys: Vec<_> = pairs.iter().map(|pair| pair.published.clone()).collect();
        self.answer_with(StatusCode::OK, json!({ "keys": keys }).to_string());
    }

    fn answer_with(&self, status: StatusCode, body: impl Into<String>) {
        *self.answer.lock().unwrap() = (status, body.into());
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    fn keys(&self, timing: Timing) -> UserKeys {
        let jwks_url = Some(self.url.clone());
        let config = UserKeysConfig { jwks_url, ..UserKeysConfig::default() };
        UserKeys::with_timing(config, timing).unwrap()
    }
}

const PATIENT: Timing =
    Timing { fresh_for: Duration::from_secs(600), retry_after: Duration::from_secs(600) };
const EAGER: Timing = Timing { fresh_for: Duration::ZERO, retry_after: Duration::ZERO };

#[tokio::test]
async fn a_seeds_token_is_understood() {
    let token = hs256(
        SECRET,
        json!({
            "sub": "1", "email": "a@example.com", "role": "admin", "roles": ["dev"],
            "scope": "read write", "jti": "t1", "exp": now() + 60,
        }),
    );
    let user = keys(&[SECRET]).verify(&token).await.unwrap();
    assert_eq!((user.id.as_str(), user.tenant.as_str()), ("1", "default"));
    assert_eq!(user.roles, ["admin", "dev"]);
    assert_eq!(user.scopes, ["read", "write"]);
    assert_eq!(user.email.as_deref(), Some("a@example.com"));
    assert_eq!(user.token_id.as_deref(), Some("t1"));
    assert!(user.is_admin() && user.expires_at.unwrap() > now());
}

#[tokio::test]
async fn a_number_as_subject_is_its_digits() {
    let token = hs256(SECRET, json!({"sub": 42, "exp": now() + 60}));
    assert_eq!(keys(&[SECRET]).verify(&token).await.unwrap().id, "42");
}

#[tokio::test]
async fn a_minted_token_says_what_was_asked_for() {
    let user = User { roles: vec!["viewer".into()], tenant: "acme".into(), ..User::dev() };
    let token = mint_user(&secret(SECRET), &user, HOUR).unwrap();
    let verified = keys(&[SECRET]).verify(&token).await.unwrap();
    assert_eq!((verified.id, verified.tenant, verified.roles), (user.id, user.tenant, user.roles));
    assert!(verified.token_id.is_some(), "a token without an id could not be revoked");
}

#[tokio::test]
async fn tokens_that_are_not_valid_here_are_refused_with_their_reason() {
    let keys = keys(&[SECRET]);
    assert_eq!(keys.verify("").await, Err(Error::Missing));
    let expired = hs256(SECRET, json!({"sub": "1", "exp": now() - 31}));
    assert_eq!(keys.verify(&expired).await, Err(Error::Expired));

    let cases = [
        ("not a token".to_owned(), "not a well-formed"),
        ("a.b.c".to_owned(), "not a well-formed"),
        ("x".repeat(20_000), "longer than 16 KiB"),
        (hs256(OLD_SECRET, json!({"sub": "1", "exp": now() + 60})), "signature does not match"),
        (hs256(SECRET, json!({"sub": "1"})), "claim `exp` is missing"),
        (hs256(SECRET, json!({"sub": "1", "exp": "soon"})), "not a well-formed"),
        (hs256(SECRET, json!({"exp": now() + 60})), "names no subject"),
        (hs256(SECRET, json!({"sub": "", "exp": now() + 60})), "names no subject"),
        (hs256(SECRET, json!({"sub": "s".repeat(300), "exp": now() + 60})), "longer than 256"),
        (hs256(SECRET, json!({"sub": "1", "exp": now() + 60, "nbf": now() + 90})), "nbf"),
    ];
    for (token, expected) in cases {
        let reason = reason(keys.verify(&token).await);
        assert!(reason.contains(expected), "{reason} should say: {expected}");
    }
}

#[tokio::test]
async fn a_leeway_of_thirty_seconds_is_the_most() {
    let late = hs256(SECRET, json!({"sub": "1", "exp": now() - 20}));
    keys(&[SECRET]).verify(&late).await.unwrap();

    let config = UserKeysConfig { leeway: Duration::from_secs(31), ..with_secrets(&[SECRET]) };
    assert!(matches!(UserKeys::new(config), Err(ConfigError::LongLeeway(31))));
}

#[tokio::test]
async fn the_configured_issuer_and_audience_are_demanded() {
    let config = UserKeysConfig {
        issuer: Some("https://issuer.example".into()),
        audience: Some("app".into()),
        ..with_secrets(&[SECRET])
    };
    let keys = UserKeys::new(config).unwrap();
    let claim = |issuer: &str, audience: Value| {
        hs256(SECRET, json!({"sub": "1", "exp": now() + 60, "iss": issuer, "aud": audience}))
    };
    keys.verify(&claim("https://issuer.example", json!("app"))).await.unwrap();
    keys.verify(&claim("https://issuer.example", json!(["other", "app"]))).await.unwrap();

    let foreign = keys.verify(&claim("https://other.example", json!("app"))).await;
    assert!(reason(foreign).contains("issuer"));
    let elsewhere = keys.verify(&claim("https://issuer.example", json!("other"))).await;
    assert!(reason(elsewhere).contains("audience"));
    let silent = keys.verify(&hs256(SECRET, json!({"sub": "1", "exp": now() + 60}))).await;
    assert!(reason(silent).contains("is missing"));
}

#[tokio::test]
async fn both_secrets_of_a_rotation_are_good() {
    let rotating = keys(&[SECRET, OLD_SECRET]);
    for signer in [SECRET, OLD_SECRET] {
        let token = mint_user(&secret(signer), &User::dev(), HOUR).unwrap();
        rotating.verify(&token).await.unwrap();
    }
    let expired = hs256(OLD_SECRET, json!({"sub": "1", "exp": now() - 60}));
    assert_eq!(rotating.verify(&expired).await, Err(Error::Expired));
}

#[test]
fn weak_or_many_secrets_are_no_configuration() {
    assert!(matches!(Secret::new("short"), Err(ConfigError::ShortSecret(5))));
    let three = with_secrets(&[SECRET, OLD_SECRET, SECRET]);
    assert!(matches!(UserKeys::new(three), Err(ConfigError::TooManySecrets(3))));
    let insecure = Some("http://issuer.example/jwks.json".to_owned());
    let config = UserKeysConfig { jwks_url: insecure, ..UserKeysConfig::default() };
    assert!(matches!(UserKeys::new(config), Err(ConfigError::JwksUrl(_))));
}

#[tokio::test]
async fn a_service_token_is_no_user_token_and_the_reverse() {
    let services = ServiceKeys::new(vec![secret(SECRET)]).unwrap();
    let token = services.mint("edge-1", &[Scope::Edge, Scope::Worker], HOUR).unwrap();
    let service = services.verify(&token).unwrap();
    assert_eq!((service.name.as_str(), service.scopes.len()), ("edge-1", 2));
    assert!(service.has(Scope::Edge) && !service.has(Scope::Admin));

    let users = keys(&[SECRET]);
    assert!(reason(users.verify(&token).await).contains("a service's token"));
    let user = mint_user(&secret(SECRET), &User::dev(), HOUR).unwrap();
    assert!(services.verify(&user).is_err());
}

#[tokio::test]
async fn published_keys_of_every_kind_verify_their_tokens() {
    let pairs = [
        Pair::new("rsa", Algorithm::RS256),
        Pair::new("pss", Algorithm::PS256),
        Pair::new("ec", Algorithm::ES256),
        Pair::new("ed", Algorithm::EdDSA),
    ];
    let issuer = Issuer::start(&pairs.each_ref()).await;
    let keys = issuer.keys(PATIENT);
    for pair in &pairs {
        assert_eq!(keys.verify(&pair.token_of(pair.id)).await.unwrap().id, pair.id);
    }
    assert_eq!(issuer.fetches(), 1, "the key set is cached");
}

#[tokio::test]
async fn a_public_key_is_never_taken_for_a_secret() {
    let rsa = Pair::new("rsa", Algorithm::RS256);
    let issuer = Issuer::start(&[&rsa]).await;
    let config = UserKeysConfig { jwks_url: Some(issuer.url.clone()), ..with_secrets(&[SECRET]) };
    let keys = UserKeys::new(config).unwrap();

    // The classic confusion: HS256 with the public modulus as the secret.
    let modulus = rsa.published["n"].as_str().unwrap();
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("rsa".to_owned());
    let claims = json!({"sub": "1", "exp": now() + 60});
    let forged = encode(&header, &claims, &EncodingKey::from_secret(modulus.as_bytes())).unwrap();
    assert!(reason(keys.verify(&forged).await).contains("signature"));

    // An ES256 key's id on an RS256 token, and an unsigned token.
    let unsigned = format!("{}.e30.", base64_url(br#"{"alg":"none"}"#));
    assert!(keys.verify(&unsigned).await.is_err());
    let other = Pair::new("rsa", Algorithm::ES256);
    assert!(keys.verify(&other.token_of("1")).await.is_err());
}

fn base64_url(bytes: &[u8]) -> String {
    base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

#[tokio::test]
async fn a_symmetric_key_in_a_public_set_is_ignored() {
    let hmac = Pair::new("oct", Algorithm::HS256);
    let issuer = Issuer::start(&[&hmac]).await;
    assert!(issuer.keys(PATIENT).verify(&hmac.token_of("1")).await.is_err());
}

#[tokio::test]
async fn an_encryption_key_signs_nothing() {
    let mut rsa = Pair::new("rsa", Algorithm::RS256);
    rsa.published["use"] = json!("enc");
    let issuer = Issuer::start(&[&rsa]).await;
    assert!(issuer.keys(PATIENT).verify(&rsa.token_of("1")).await.is_err());
}

#[tokio::test]
async fn a_rotated_key_is_fetched_when_its_first_token_comes() {
    let (first, second) = (Pair::new("1", Algorithm::EdDSA), Pair::new("2", Algorithm::EdDSA));
    let issuer = Issuer::start(&[&first]).await;
    let keys = issuer.keys(Timing { retry_after: Duration::ZERO, ..PATIENT });
    keys.verify(&first.token_of("1")).await.unwrap();

    issuer.publish(&[&second]);
    keys.verify(&second.token_of("1")).await.unwrap();
    assert!(keys.verify(&first.token_of("1")).await.is_err(), "a withdrawn key is gone");
}

#[tokio::test]
async fn invented_key_ids_cause_no_storm_of_fetches() {
    let (known, unknown) = (Pair::new("1", Algorithm::EdDSA), Pair::new("2", Algorithm::EdDSA));
    let issuer = Issuer::start(&[&known]).await;
    let keys = issuer.keys(PATIENT);
    keys.verify(&known.token_of("1")).await.unwrap();
    for _ in 0..100 {
        assert!(keys.verify(&unknown.token_of("1")).await.is_err());
    }
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn an_outage_of_the_issuer_keeps_the_last_keys() {
    let pair = Pair::new("1", Algorithm::ES256);
    let issuer = Issuer::start(&[&pair]).await;
    let keys = issuer.keys(EAGER);
    keys.verify(&pair.token_of("1")).await.unwrap();

    let outages = BTreeMap::from([
        ("an error", (StatusCode::SERVICE_UNAVAILABLE, String::new())),
        ("garbage", (StatusCode::OK, "<html>".to_owned())),
        ("an empty set", (StatusCode::OK, r#"{"keys": []}"#.to_owned())),
        ("too much", (StatusCode::OK, " ".repeat(300 * 1024))),
    ]);
    for (outage, (status, body)) in outages {
        let before = issuer.fetches();
        issuer.answer_with(status, body);
        keys.verify(&pair.token_of("1")).await.unwrap_or_else(|error| panic!("{outage}: {error}"));
        assert!(issuer.fetches() > before, "{outage}: the set was asked for again");
    }
}

#[tokio::test]
async fn a_key_of_an_unknown_kind_spoils_none_of_the_others() {
    let pair = Pair::new("1", Algorithm::EdDSA);
    let issuer = Issuer::start(&[]).await;
    let keys = json!({"keys": [{"kty": "AKP", "alg": "ML-DSA-44", "pub": "x"}, 7, pair.published]});
    issuer.answer_with(StatusCode::OK, keys.to_string());
    issuer.keys(PATIENT).verify(&pair.token_of("1")).await.unwrap();
}

#[test]
fn debug_output_shows_no_secret() {
    let config = with_secrets(&[SECRET]);
    let services = ServiceKeys::new(config.secrets.clone()).unwrap();
    let shown = format!("{config:?} {services:?} {:?}", UserKeys::new(config.clone()).unwrap());
    assert!(!shown.contains(SECRET) && !shown.contains("0123"), "{shown}");
}
