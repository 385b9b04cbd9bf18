//! How requests go out, and what comes back that is no reply: a status with its reason, and with the
//! time after which to come again.

use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use futures::future::BoxFuture;
use http_body_util::Limited;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use roomcast_client::worker::Failure;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::settings::Key;

/// A reply as it comes, with all that surrounds its text: the client reads ahead of us, so that this
/// bounds what lies in memory.
const REPLY_BYTES_MAX: usize = 8 << 20;
/// Of a reason, the beginning is enough.
const REASON_BYTES_MAX: usize = 16 << 10;
/// The part of a reason that is told.
const REASON_CHARS_MAX: usize = 500;
/// A code is a word or a number; of anything longer, the beginning is enough.
const CODE_CHARS_MAX: usize = 64;
/// An API that wants to be left alone for longer is asked again after this.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

/// Sends requests. What is no success is an error that keeps its headers' advice.
#[derive(Debug, Clone)]
pub(super) struct Door {
    http: reqwest::Client,
}

/// The API's no.
#[derive(Debug, thiserror::Error)]
#[error("the model's API answered {status}")]
pub(super) struct Refused {
    status: StatusCode,
    retry_after: Option<Duration>,
    reason: Reason,
}

/// Why the API says no, in its own words.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Reason {
    pub(super) message: String,
    #[serde(deserialize_with = "word")]
    code: Option<String>,
}

impl Reason {
    /// The code as it may be told.
    pub(super) fn code(&self, key: Option<&Key>) -> String {
        let code = self.code.as_deref().unwrap_or_default();
        let code = key.map_or_else(|| code.to_owned(), |key| key.without(code));
        code.chars().take(CODE_CHARS_MAX).collect()
    }
}

impl Door {
    pub(super) fn new(http: reqwest::Client) -> Self {
        Self { http }
    }
}

impl tower::Service<HttpRequestFactory> for Door {
    type Response = Response;
    type Error = OpenAIError;
    type Future = BoxFuture<'static, Result<Response, OpenAIError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), OpenAIError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequestFactory) -> Self::Future {
        let http = self.http.clone();
        Box::pin(async move {
            let response = http.execute(request.build().await?).await?;
            if !response.status().is_success() {
                return Err(OpenAIError::Boxed(Box::new(Refused::read(response).await)));
            }
            let (head, body) = http::Response::from(response).into_parts();
            let body = reqwest::Body::wrap(Limited::new(body, REPLY_BYTES_MAX));
            Ok(http::Response::from_parts(head, body).into())
        })
    }
}

impl Refused {
    async fn read(mut response: Response) -> Self {
        #[derive(Default, Deserialize)]
        struct Document {
            error: Reason,
        }
        let (status, retry_after) = (response.status(), retry_after(response.headers()));
        let mut body = Vec::new();
        // A reason that breaks off is as good as none.
        while let Ok(Some(piece)) = response.chunk().await {
            body.extend_from_slice(&piece);
            if body.len() > REASON_BYTES_MAX {
                break;
            }
        }
        let document: Document = serde_json::from_slice(&body).unwrap_or_default();
        Self { status, retry_after, reason: document.error }
    }

    pub(super) fn failure(&self, key: Option<&Key>) -> Failure {
        let code = self.reason.code.as_deref();
        let (code, mend) = match self.status.as_u16() {
            401 | 403 => ("model_key_refused", "give the agent a valid key: --model-key"),
            402 => ("model_quota_exhausted", "the account has nothing left"),
            429 if code == Some("insufficient_quota") => {
                ("model_quota_exhausted", "the account has nothing left")
            }
            429 => ("model_rate_limited", "the API wants fewer requests"),
            404 => ("model_not_found", "see --model and --model-url"),
            408 | 500.. => ("model_unavailable", "the API is not well"),
            _ => ("model_request_refused", "see --model and its limits"),
        };
        let failure = Failure::new(code, format!("{self}{}; {mend}", self.told(code, key)));
        match (code, self.retry_after) {
            ("model_rate_limited" | "model_unavailable", Some(wait)) => failure.retry_after(wait),
            ("model_rate_limited" | "model_unavailable", None) => failure.retryable(),
            _ => failure,
        }
    }

    /// The API's own words. Of a refused key they repeat the key.
    fn told(&self, code: &str, key: Option<&Key>) -> String {
        if self.reason.message.is_empty() || code == "model_key_refused" {
            return String::new();
        }
        let message =
            key.map_or(self.reason.message.clone(), |key| key.without(&self.reason.message));
        let message: String = message.chars().take(REASON_CHARS_MAX).collect();
        format!(": {message}")
    }
}

/// Some servers number what others name. A code of neither kind must not hide the message beside it.
fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(word) => Some(word),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    })
}

/// Seconds, or a date.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok()?,
        Err(_) => {
            let at = httpdate::parse_http_date(text).ok()?;
            at.duration_since(SystemTime::now()).unwrap_or_default()
        }
    };
    Some(wait.min(RETRY_AFTER_MAX))
}
