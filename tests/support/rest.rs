//! REST as a program uses it.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Client, Method, RequestBuilder};
use roomcast_proto::registry::Code;
use serde_json::Value;

use super::credential::Token;

const TIMEOUT: Duration = Duration::from_secs(20);

/// An edge, and who talks to it.
#[derive(Debug, Clone)]
pub(crate) struct Rest {
    client: Client,
    url: String,
    token: Option<Token>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Rest {
    pub(crate) fn new(url: &str, token: Option<&Token>) -> Rest {
        Rest { client: Client::new(), url: url.to_owned(), token: token.cloned() }
    }

    /// A request to begin with, for what the short ways below do not do.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    /// Nothing when nobody answers.
    pub(crate) async fn try_get(&self, path: &str) -> Option<Answer> {
        let response = self.request(Method::GET, path).timeout(TIMEOUT).send().await.ok()?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Some(Answer { status, headers, text: response.text().await.ok()? })
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::PUT, path).json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::DELETE, path)).await
    }

    /// A body of the caller's own making, said to be JSON.
    pub(crate) async fn post_text(&self, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.request(Method::POST, path).header(CONTENT_TYPE, "application/json");
        Answer::of(request.body(body)).await
    }
}

impl Answer {
    pub(crate) async fn of(request: RequestBuilder) -> Answer {
        let response = request.timeout(TIMEOUT).send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, text: response.text().await.expect("a whole answer") }
    }

    /// The body, whatever the status.
    pub(crate) fn json(&self) -> Value {
        let parsed = serde_json::from_str(&self.text);
        parsed.unwrap_or_else(|_| panic!("{} {} is not JSON", self.status, self.text))
    }

    /// The body of a success with this status.
    pub(crate) fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }

    /// The code of a failure, after a look at the whole problem document.
    pub(crate) fn problem(&self) -> &'static str {
        let body = self.json();
        let code = body["code"].as_str().and_then(Code::parse);
        let code = code.unwrap_or_else(|| panic!("no code of the registry in {}", self.text));
        assert_eq!(self.headers[CONTENT_TYPE], "application/problem+json");
        assert_eq!(body["status"], self.status, "{}", self.text);
        assert_eq!(body["retryable"], code.entry().retryable, "{}", self.text);
        for field in ["type", "title", "detail", "trace_id"] {
            assert!(body[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {body}");
        }
        code.as_str()
    }
}
