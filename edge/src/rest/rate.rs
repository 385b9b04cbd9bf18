//! How often somebody may ask: by user where a token says who it is, else by the client's address.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderName, HeaderValue};
use roomcast_proto::registry::Code;
use roomcast_runtime::{bucket::Rate, buckets::Buckets};
use tokio::time::Instant;

use super::{health, path::PREFIX};
use crate::{
    auth::{Auth, Identity},
    listener::{ClientAddress, Network, limit_hit},
    problem::{Problem, whole_seconds},
    state::AppState,
};

/// Supervisors and scrapers must be answered however busy the address is that they share. What they get is
/// known here; whoever wants to know more of it has the core asked.
const EXEMPT: [&str; 4] = ["/livez", "/readyz", "/health", "/metrics"];

/// Of draft-ietf-httpapi-ratelimit-headers.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// See [`POLICY`].
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// What everybody may ask. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Quota {
    auth: Auth,
    /// Nothing when asking is not limited.
    clients: Option<Arc<Buckets<Client>>>,
}

/// Whose requests are counted together.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Client {
    User { tenant: String, id: String },
    Network(Network),
}

impl Quota {
    pub(super) fn new(state: &AppState) -> Self {
        let clients = state.config.requests().map(|rate| Arc::new(Buckets::new(rate)));
        Self { auth: state.auth.clone(), clients }
    }
}

/// Counts a request, and refuses it when it is one too many.
pub(super) async fn limit(State(quota): State<Quota>, request: Request, next: Next) -> Response {
    let Some(clients) = quota.clients.filter(|_| !is_exempt(&request)) else {
        return next.run(request).await;
    };
    let (mut parts, body) = request.into_parts();
    let client = match quota.auth.identify_headers(&parts.headers).await {
        Ok(identity) => {
            let (tenant, id) = (identity.user.tenant.clone(), identity.user.id.clone());
            // The handler need not verify the token again.
            parts.extensions.insert::<Identity>(identity);
            Some(Client::User { tenant, id })
        }
        Err(_) => {
            let address = parts.extensions.get::<ClientAddress>();
            address.map(|address| Client::Network(address.network()))
        }
    };
    match client.map_or(Ok(()), |client| clients.take(client, Instant::now())) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(wait) => refuse(clients.rate(), wait),
    }
}

fn is_exempt(request: &Request) -> bool {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    EXEMPT.contains(&route.strip_prefix(PREFIX).unwrap_or(route))
        && !health::is_verbose(request.uri().query())
}

fn refuse(rate: Rate, wait: Duration) -> Response {
    let code = Code::RateLimited;
    metrics::counter!("roomcast_edge_refusals_total", "code" => code.as_str()).increment(1);
    limit_hit("requests");
    let mut response = Problem::new(code, code.entry().cause).retry_after(wait).into_response();
    let window = rate.burst.div_ceil(rate.per_second.max(1));
    let fields = [
        (POLICY, format!(r#""requests";q={};w={window}"#, rate.burst)),
        (LIMIT, format!(r#""requests";r=0;t={}"#, whole_seconds(wait))),
    ];
    for (name, value) in fields {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
