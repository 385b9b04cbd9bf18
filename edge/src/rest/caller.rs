//! Who makes a request. The edge verifies the token and passes it on untouched; the core decides.

use axum::extract::FromRequestParts;
use http::request::Parts;
use roomcast_identity::User;
use roomcast_proto::registry::Code;
use roomcast_runtime::trace::TraceContext;

use super::problem::Problem;
use crate::{app::AppState, upstream};

/// The user of a request, and how to call the core on the user's behalf.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) user: User,
    pub(super) upstream: upstream::Caller,
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let identity = state.auth.identify_headers(&parts.headers).await?;
        let trace = parts.extensions.get::<TraceContext>().copied();
        let trace = trace.unwrap_or_else(|| TraceContext::from_headers(&parts.headers));
        Ok(Self { upstream: identity.caller(trace), user: identity.user })
    }
}

/// A user with the role `admin`: for operators' doors.
#[derive(Debug)]
pub(super) struct Admin;

impl FromRequestParts<AppState> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        if caller.user.is_admin() {
            return Ok(Self);
        }
        Err(Problem::new(Code::PermissionDenied, "this needs the role admin"))
    }
}

impl From<roomcast_identity::Error> for Problem {
    fn from(error: roomcast_identity::Error) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
