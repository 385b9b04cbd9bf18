//! Who makes a request. The edge verifies the token and passes it on untouched; the core decides.

mod ticket;

pub(super) use self::ticket::TICKET;

use axum::extract::{FromRequestParts, MatchedPath};
use http::{Method, request::Parts};
use roomcast_identity::User;
use roomcast_proto::{registry::Code, v1::CheckAccessRequest};
use roomcast_runtime::trace::TraceContext;

use super::accept::{EVENT_STREAM, wants};
use crate::{
    auth::{self, Identity},
    listener::ClientAddress,
    problem::Problem,
    state::AppState,
    upstream::is_refusal,
};

/// The user of a request, and how to call the core on the user's behalf.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) user: User,
    pub(super) upstream: auth::Caller,
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let identity = identify(state, parts).await?;
        let trace = parts.extensions.get::<TraceContext>().copied();
        let trace = trace.unwrap_or_else(|| TraceContext::from_headers(&parts.headers));
        let client = parts.extensions.get::<ClientAddress>().map(|address| address.0);
        let upstream = auth::Caller { client, ..identity.caller(trace) };
        Ok(Self { upstream, user: identity.user })
    }
}

/// By the token in the header; an event stream may show a ticket instead, for browsers' `EventSource`
/// sends no headers of the page's own.
async fn identify(state: &AppState, parts: &Parts) -> Result<Identity, Problem> {
    let headers = &parts.headers;
    match ticket::of(&parts.uri) {
        Some(ticket) if is_stream(parts) => ticket::spend(state, &state.upstream, ticket).await,
        Some(_) | None => match parts.extensions.get::<Identity>() {
            Some(identity) => Ok(identity.clone()),
            None => Ok(state.auth.identify_headers(headers).await?),
        },
    }
}

/// Whether events are to be followed: a ticket is good for nothing else.
fn is_stream(parts: &Parts) -> bool {
    let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    parts.method == Method::GET && route.ends_with("/events") && wants(&parts.headers, EVENT_STREAM)
}

/// A user with the role `admin`: for what operators do.
#[derive(Debug)]
pub(super) struct Admin {
    pub(super) tenant: String,
    pub(super) upstream: auth::Caller,
}

/// A user with the role `admin` or `auditor`: for what operators see.
#[derive(Debug)]
pub(super) struct Observer {
    pub(super) tenant: String,
}

impl FromRequestParts<AppState> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        if !caller.user.is_admin() {
            return Err(Problem::new(Code::PermissionDenied, "this needs the role admin"));
        }
        stands(state, &caller).await?;
        Ok(Self { tenant: caller.user.tenant, upstream: caller.upstream })
    }
}

impl FromRequestParts<AppState> for Observer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        if !caller.user.is_admin() && !caller.user.is_auditor() {
            let detail = "this needs the role admin or auditor";
            return Err(Problem::new(Code::PermissionDenied, detail));
        }
        stands(state, &caller).await?;
        Ok(Self { tenant: caller.user.tenant })
    }
}

/// The edge reads tokens; only the core knows which of them were revoked. Operators look also when it is
/// away.
async fn stands(state: &AppState, caller: &Caller) -> Result<(), Problem> {
    if caller.upstream.session.token().is_none() {
        return Ok(());
    }
    let request = caller.upstream.request(CheckAccessRequest::default());
    match state.upstream.access().check_access(request).await {
        Err(status) if is_refusal(&status) => Err(status.into()),
        Ok(_) | Err(_) => Ok(()),
    }
}

impl From<roomcast_identity::Error> for Problem {
    fn from(error: roomcast_identity::Error) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
