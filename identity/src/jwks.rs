//! The issuer's published keys, fetched when needed and kept while the issuer is out of reach.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, Header};
use reqwest::Url;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::ConfigError;
use crate::token::BoundKey;

/// A key set is a few kilobytes; more is not one.
const DOCUMENT_BYTES_MAX: usize = 256 * 1024;
/// Every key of an algorithm is tried for a token without a key id.
const KEYS_MAX: usize = 32;
/// A caller waits for it, so it is shorter than any caller's patience.
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);

/// When keys are fetched again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// After this age, so that a withdrawn key ends within it.
    pub(crate) fresh_for: Duration,
    /// Not before this since the last attempt, whatever tokens with invented key ids arrive.
    pub(crate) retry_after: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { fresh_for: Duration::from_secs(600), retry_after: Duration::from_secs(10) }
    }
}

pub(crate) struct Jwks {
    url: Url,
    client: reqwest::Client,
    timing: Timing,
    keys: ArcSwap<KeySet>,
    last_attempt: Mutex<Option<Instant>>,
}

/// One fetched key set.
#[derive(Default)]
pub(crate) struct KeySet {
    keys: Vec<PublishedKey>,
    fetched_at: Option<Instant>,
}

struct PublishedKey {
    id: Option<String>,
    bound: BoundKey,
}

#[derive(serde::Deserialize)]
struct Document {
    // One by one, so that a key of a kind this version does not know spoils none of the others.
    keys: Vec<serde_json::Value>,
}

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    #[error("the answer is larger than 256 KiB")]
    TooLarge,
    #[error("the answer is no key set")]
    NotAKeySet,
    #[error("the key set has no key that can be used")]
    NoUsableKey,
}

impl Jwks {
    pub(crate) fn new(url: &str, timing: Timing) -> Result<Self, ConfigError> {
        let url = Url::parse(url).map_err(|error| ConfigError::JwksUrl(error.to_string()))?;
        let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
            let reason = "it must be https, or http on loopback: who can change it can be anybody";
            return Err(ConfigError::JwksUrl(reason.to_owned()));
        }
        let client = reqwest::Client::builder()
            .timeout(FETCH_TIMEOUT)
            // A redirect could leave https or point into the private network.
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { url, client, timing, keys: ArcSwap::default(), last_attempt: Mutex::new(None) })
    }

    /// The keys, fetched again if they are old. While one caller fetches, the others go on with the
    /// old ones.
    pub(crate) async fn current(&self) -> Arc<KeySet> {
        let keys = self.keys.load_full();
        let Some(fetched_at) = keys.fetched_at else {
            return self.refreshed().await;
        };
        if fetched_at.elapsed() > self.timing.fresh_for
            && let Ok(mut last_attempt) = self.last_attempt.try_lock()
        {
            self.refresh(&mut last_attempt).await;
            return self.keys.load_full();
        }
        keys
    }

    /// The keys after a fetch, or after waiting for the one under way.
    pub(crate) async fn refreshed(&self) -> Arc<KeySet> {
        let mut last_attempt = self.last_attempt.lock().await;
        self.refresh(&mut last_attempt).await;
        self.keys.load_full()
    }

    async fn refresh(&self, last_attempt: &mut Option<Instant>) {
        if last_attempt.is_some_and(|last| last.elapsed() < self.timing.retry_after) {
            return;
        }
        *last_attempt = Some(Instant::now());
        match self.fetch().await {
            Ok(keys) => {
                tracing::debug!(keys = keys.len(), "the issuer's keys were fetched");
                self.keys.store(Arc::new(KeySet { keys, fetched_at: Some(Instant::now()) }));
            }
            Err(error) => {
                tracing::warn!(%error, "the issuer's keys cannot be fetched; the last ones stand");
            }
        }
    }

    async fn fetch(&self) -> Result<Vec<PublishedKey>, FetchError> {
        let mut response = self.client.get(self.url.clone()).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > DOCUMENT_BYTES_MAX {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let document: Document =
            serde_json::from_slice(&body).map_err(|_| FetchError::NotAKeySet)?;
        let keys: Vec<_> = document
            .keys
            .into_iter()
            .filter_map(|key| serde_json::from_value::<Jwk>(key).ok())
            .filter_map(|jwk| published(&jwk))
            .take(KEYS_MAX)
            .collect();
        if keys.is_empty() { Err(FetchError::NoUsableKey) } else { Ok(keys) }
    }
}

impl KeySet {
    /// The keys that may have signed a token with this header.
    pub(crate) fn select(&self, header: &Header) -> Vec<BoundKey> {
        self.keys
            .iter()
            .filter(|key| key.bound.algorithm == header.alg)
            .filter(|key| header.kid.is_none() || key.id == header.kid)
            .map(|key| key.bound.clone())
            .collect()
    }
}

/// A key that may verify tokens, bound to its one algorithm; `None` for anything else.
fn published(jwk: &Jwk) -> Option<PublishedKey> {
    let common = &jwk.common;
    if common.public_key_use.as_ref().is_some_and(|used| *used != PublicKeyUse::Signature) {
        return None;
    }
    if common.key_operations.as_ref().is_some_and(|all| !all.contains(&KeyOperations::Verify)) {
        return None;
    }
    let natural = natural_algorithm(&jwk.algorithm)?;
    let algorithm = match common.key_algorithm {
        None => natural,
        Some(named) => {
            let named = Algorithm::try_from(named).ok()?;
            // Only RSA keys have a choice; a curve goes with one algorithm.
            let fits = named == natural
                || (natural.family() == AlgorithmFamily::Rsa && named.family() == natural.family());
            fits.then_some(named)?
        }
    };
    let key = DecodingKey::from_jwk(jwk).ok()?;
    Some(PublishedKey { id: common.key_id.clone(), bound: BoundKey { algorithm, key } })
}

/// The algorithm of a key that names none. A symmetric key has none here: published, it is no secret.
fn natural_algorithm(parameters: &AlgorithmParameters) -> Option<Algorithm> {
    #[allow(clippy::wildcard_enum_match_arm, reason = "the library's enum may grow")]
    match parameters {
        AlgorithmParameters::RSA(_) => Some(Algorithm::RS256),
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => Some(Algorithm::ES256),
            EllipticCurve::P384 => Some(Algorithm::ES384),
            _ => None,
        },
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            Some(Algorithm::EdDSA)
        }
        _ => None,
    }
}

impl fmt::Debug for Jwks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Jwks")
            .field("host", &self.url.host_str())
            .field("keys", &self.keys.load().keys.len())
            .finish_non_exhaustive()
    }
}
