//! How a request fails: RFC 9457, `application/problem+json`, from the one registry of error codes.

use std::time::Duration;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use roomcast_proto::registry::Code;
use roomcast_runtime::trace::TraceContext;
use serde::Serialize;
use tonic::Status;
use tonic_types::StatusExt as _;
use utoipa::ToSchema;

const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// What a retryable problem without a time of its own tells the caller to wait.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A failed request. Handlers return it; `rest::trace` gives it the request's trace id.
#[derive(Debug, Clone)]
pub struct Problem {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
    retry_after: Option<Duration>,
}

/// One field of the request that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Path of the field, such as `retry.max_attempts`, or the name of a parameter.
    pub field: String,
    /// What is wrong with it.
    pub description: String,
}

/// RFC 9457 problem details.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Document<'a> {
    /// Where the code is explained.
    #[schema(example = "/docs#job_not_found")]
    r#type: String,
    /// The code's cause.
    #[schema(example = "no such job, or no right to it")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 404)]
    status: u16,
    /// What happened this time.
    detail: &'a str,
    /// What to do about it.
    #[schema(example = "check the id and who owns the job")]
    mend: &'static str,
    /// The stable code, the same on every surface.
    #[schema(example = "job_not_found")]
    code: &'static str,
    /// Whether the same request may succeed later; `Retry-After` then says when.
    retryable: bool,
    /// W3C trace id of the request.
    trace_id: &'a str,
    /// The fields that are wrong, if it is about fields.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    errors: &'a [FieldError],
}

impl Problem {
    /// A problem with the status that the registry gives its code.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: code.entry().retryable.then_some(RETRY_AFTER),
        }
    }

    /// A field or parameter is missing, malformed or out of its range.
    pub fn field(field: impl Into<String>, description: impl Into<String>) -> Self {
        let error = FieldError { field: field.into(), description: description.into() };
        let detail = format!("{}: {}", error.field, error.description);
        Self { errors: vec![error], ..Self::new(Code::InvalidArgument, detail) }
    }

    /// The core answered well and left out what its answer is about: it breaks its contract.
    pub(crate) fn unnamed(what: &str) -> Self {
        Self::new(Code::Internal, format!("the core's answer names no {what}"))
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// What happened, for a person.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// With a time of its own after which the same request may succeed.
    #[must_use]
    pub(crate) fn retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    #[must_use]
    pub(crate) fn errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// With the name that a field has here, where the core's contract calls it something else.
    #[must_use]
    pub(crate) fn naming(mut self, field: &str, here: &str) -> Self {
        for error in &mut self.errors {
            let is_meant = |within: &&str| within.is_empty() || within.ends_with('.');
            if let Some(within) = error.field.strip_suffix(field).filter(is_meant) {
                let renamed = format!("{within}{here}");
                self.detail = self.detail.replacen(&error.field, &renamed, 1);
                error.field = renamed;
            }
        }
        self
    }

    /// The answer to a request that is refused before it has a trace.
    pub(crate) fn traced(self, trace: &TraceContext) -> Response {
        let body = self.body(&trace.trace_id_hex());
        let mut response = self.into_response();
        *response.body_mut() = body;
        response
    }

    /// The document, with the request's trace id inside.
    pub(crate) fn body(&self, trace_id: &str) -> Body {
        let entry = self.code.entry();
        let document = Document {
            r#type: format!("/docs#{}", entry.code),
            title: entry.cause,
            status: entry.http,
            detail: &self.detail,
            mend: entry.mend,
            code: entry.code,
            retryable: entry.retryable,
            trace_id,
            errors: &self.errors,
        };
        Body::from(serde_json::to_string(&document).unwrap_or_default())
    }
}

impl IntoResponse for Problem {
    /// Without a trace id: `rest::trace` finds the problem among the extensions and writes the body
    /// again.
    fn into_response(self) -> Response {
        let mut response = Response::new(self.body(""));
        *response.status_mut() = http_status(self.code);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, CONTENT_TYPE);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
        }
        if self.code.entry().http == 401 {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Status> for Problem {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let problem = Self::new(Code::of(&status), status.message());
        let errors = details.bad_request().map_or_else(Vec::new, |bad| {
            bad.field_violations
                .iter()
                .map(|violation| FieldError {
                    field: violation.field.clone(),
                    description: violation.description.clone(),
                })
                .collect()
        });
        let retry_after = details
            .retry_info()
            .and_then(|info| info.retry_delay)
            .filter(|_| problem.code.entry().retryable)
            .or(problem.retry_after);
        Self { errors, retry_after, ..problem }
    }
}

fn http_status(code: Code) -> StatusCode {
    StatusCode::from_u16(code.entry().http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Rounded up: a caller that comes back a moment early would only be told to wait again.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests;
