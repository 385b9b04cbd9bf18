//! A topic's events: a page of JSON, or a stream for those who ask for one.

use std::sync::Arc;

use axum::{
    Json,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use roomcast_proto::{
    registry::Code,
    v1::{
        Event, GetJobRequest, GetSessionRequest, JobState, ListEventsRequest, ListEventsResponse,
    },
};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::{
    accept::{EVENT_STREAM, wants},
    caller::{Caller, TICKET},
    parameters::Parameters,
    sse,
};
use crate::{
    auth::Standing,
    listener::limit_hit,
    names::{self, reset_reason, rfc3339},
    problem::Problem,
    state::AppState,
};

/// Types of one filter, as at the core: each event of a stream is held against all of them.
const TYPES_MAX: usize = 32;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Where to begin and what to leave out.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents the parameters; they are read one by one")]
pub(super) struct EventsQuery {
    /// Cursor of the last event you have. A page without it begins at the oldest retained event, a
    /// stream with a snapshot. The header `Last-Event-ID` says the same for streams.
    since: Option<String>,
    /// Of a page: the newest events, so many, 1 to 1000. Not beside `since`.
    last: Option<i32>,
    /// Only these types, separated by commas: of those that a page without it would have.
    types: Option<String>,
    /// Events of a page, 1 to 1000, by default 100 or as many as `last` says. A page ends at 1 MiB.
    limit: Option<i32>,
    /// Of a stream: instead of a token, for browsers' `EventSource`. From `POST /tickets`, for one use.
    ticket: Option<String>,
}

/// One page of a topic, in order and without a hole after `since`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventPage<'a> {
    events: Vec<LoggedEvent<'a>>,
    /// Read on from here.
    cursor: &'a str,
    /// The topic's head. Equal to `cursor` when all is read.
    head: &'a str,
    /// Set when `since` could not be followed; the events then begin at the oldest retained one.
    #[serde(skip_serializing_if = "Option::is_none")]
    reset: Option<Reset<'a>>,
}

/// One event.
#[derive(Debug, Serialize, ToSchema)]
struct LoggedEvent<'a> {
    /// Type in the log, such as `job.progress`, or the publisher's own: what `types` selects.
    r#type: &'a str,
    /// Name under which browsers get it, such as `job_update`.
    name: String,
    /// What happened. Published content as it was written.
    #[schema(value_type = Object)]
    data: Option<Box<RawValue>>,
    /// What a reader hands back to go on after this event.
    cursor: &'a str,
    /// Unique name.
    event_id: &'a str,
    /// When it was committed. RFC 3339.
    #[schema(format = DateTime)]
    timestamp: Option<String>,
    /// W3C trace id of the request that caused it, or empty.
    trace_id: &'a str,
}

/// Events are missed for good.
#[derive(Debug, Serialize, ToSchema)]
struct Reset<'a> {
    /// `trimmed`, `forked` or `ahead`.
    reason: &'static str,
    /// The head at that moment.
    cursor: &'a str,
}

impl<'a> EventPage<'a> {
    fn of(response: &'a ListEventsResponse) -> Self {
        Self {
            events: response.events.iter().map(LoggedEvent::of).collect(),
            cursor: &response.cursor,
            head: &response.head,
            reset: response
                .reset
                .as_ref()
                .map(|reset| Reset { reason: reset_reason(reset.reason()), cursor: &reset.cursor }),
        }
    }
}

impl<'a> LoggedEvent<'a> {
    fn of(event: &'a Event) -> Self {
        let body = names::body(event);
        Self {
            r#type: &event.r#type,
            name: body.name.into_owned(),
            data: RawValue::from_string(body.object).ok(),
            cursor: &event.cursor,
            event_id: &event.event_id,
            timestamp: event.time.as_ref().map(rfc3339),
            trace_id: &event.trace_id,
        }
    }
}

/// Answers a topic's events to whoever has the right to them.
pub(super) async fn answer(
    state: &AppState,
    caller: Caller,
    topic: &str,
    parameters: Parameters,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let parameters = parameters.knows(&["since", "last", "types", "limit", TICKET])?;
    if parameters.list("types").len() > TYPES_MAX {
        return Err(Problem::field("types", format!("at most {TYPES_MAX}")));
    }
    let mut response = if wants(headers, EVENT_STREAM) {
        follow(state, caller, topic, &parameters, headers).await?
    } else {
        page(state, &caller, topic, &parameters).await?
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_name(header::ACCEPT));
    Ok(response)
}

async fn page(
    state: &AppState,
    caller: &Caller,
    topic: &str,
    parameters: &Parameters,
) -> Result<Response, Problem> {
    let request = ListEventsRequest {
        topic: topic.to_owned(),
        since: parameters.text("since"),
        page_size: parameters.limit()?,
        types: parameters.list("types"),
        tenant: String::new(),
        last: parameters.count("last")?,
    };
    let request = caller.upstream.request(request);
    let response = state.upstream.broadcast().list_events(request).await?.into_inner();
    Ok(Json(EventPage::of(&response)).into_response())
}

async fn follow(
    state: &AppState,
    caller: Caller,
    topic: &str,
    parameters: &Parameters,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    if parameters.get("last").is_some() {
        return Err(Problem::field(
            "last",
            "is of a page; a stream begins with a snapshot or `since`",
        ));
    }
    // A browser that comes back repeats the address it began with; what it got last is newer.
    let last = headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok());
    let since = last.filter(|last| !last.is_empty()).or_else(|| parameters.get("since"));
    let user = (caller.user.tenant.clone(), caller.user.id.clone());
    let place = state.streams.hold(user).ok_or_else(crowded)?;
    // Held before the right is asked for: a change that comes meanwhile must not be missed.
    let session = Arc::clone(&caller.upstream.session);
    let standing = Standing::new(session, &state.rights, state.upstream.clone());
    let joined = state.feeds.join(caller.upstream.clone(), topic, since).await?;
    let has_all = joined.response.resumed && joined.response.cursor == joined.response.head;
    if has_all && is_over(state, &caller, topic).await? {
        // After any other answer a browser would come back for ever.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let reader = (standing, place);
    Ok(sse::response(joined, parameters.list("types"), reader, state.draining.clone()))
}

fn crowded() -> Problem {
    limit_hit("streams_per_user");
    Problem::new(Code::TooManyConnections, "this user follows too many event streams; close some")
}

/// Whether nothing more can follow: the topic's job has ended, or its session was closed.
async fn is_over(state: &AppState, caller: &Caller, topic: &str) -> Result<bool, Problem> {
    if let Some(session_id) = topic.strip_prefix("session:") {
        let request = GetSessionRequest { session_id: session_id.to_owned() };
        let request = caller.upstream.request(request);
        let session = state.upstream.sessions().get_session(request).await?.into_inner().session;
        return Ok(session.is_some_and(|session| session.closed));
    }
    let Some(job_id) = topic.strip_prefix("job:") else { return Ok(false) };
    let request = caller.upstream.request(GetJobRequest { job_id: job_id.to_owned() });
    let job = state.upstream.jobs().get_job(request).await?.into_inner().job;
    Ok(job.is_some_and(|job| {
        matches!(job.state(), JobState::Completed | JobState::Failed | JobState::Cancelled)
    }))
}

#[cfg(test)]
mod tests;
