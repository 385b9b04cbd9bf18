//! `/topics`: describe, publish, read, follow.

mod publish;

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, StatusCode};
use roomcast_proto::{
    registry::Code,
    v1::{GetTopicRequest, GetTopicResponse},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::publish::{Batch, NewEvent, Published, PublishedBatch};
use super::{
    body::Body,
    caller::Caller,
    events::{self, EventPage, EventsQuery},
    idempotency::IdempotencyKey,
    openapi::Failures,
    parameters::Parameters,
    problem::Problem,
};
use crate::app::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get))
        .routes(routes!(follow, publish))
        .routes(routes!(publish_batch))
}

/// A topic's head and its retention.
#[derive(Debug, Serialize, ToSchema)]
struct Topic<'a> {
    /// Full name.
    #[schema(example = "room:metrics")]
    topic: &'a str,
    /// Cursor of the last event.
    head: &'a str,
    /// Offset of the last event, 0 when there was none.
    head_offset: u64,
    /// Offset of the oldest retained event.
    first_offset: u64,
    /// Bytes retained.
    bytes: u64,
    retention: Retention,
}

/// How long events are kept: at least `age_seconds`, unless another bound is reached.
#[derive(Debug, Serialize, ToSchema)]
struct Retention {
    /// Null means without end.
    age_seconds: Option<i64>,
    /// Null means any number.
    events: Option<u64>,
    /// Null means any number.
    bytes: Option<u64>,
}

impl<'a> Topic<'a> {
    fn of(answer: &'a GetTopicResponse) -> Self {
        let bound = |bound: u64| (bound > 0).then_some(bound);
        Self {
            topic: &answer.topic,
            head: &answer.head,
            head_offset: answer.head_offset,
            first_offset: answer.first_offset,
            bytes: answer.bytes,
            retention: Retention {
                age_seconds: answer.retention.as_ref().map(|age| age.seconds),
                events: bound(answer.retention_events),
                bytes: bound(answer.retention_bytes),
            },
        }
    }
}

/// Describe a topic
#[utoipa::path(
    get, path = "/topics/{topic}", tag = "topics",
    params(("topic" = String, Path, description = "Full name, such as `room:metrics`")),
    responses((status = 200, body = Topic), Failures)
)]
async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(topic): Path<String>,
) -> Result<Response, Problem> {
    let request = caller.upstream.request(GetTopicRequest { topic, tenant: String::new() });
    let answer = state.upstream.broadcast().get_topic(request).await?.into_inner();
    Ok(Json(Topic::of(&answer)).into_response())
}

/// Read or follow a topic's events
///
/// A page of JSON, or with `Accept: text/event-stream` a stream: `snapshot` first unless it resumes,
/// then every event; `reset` when events are missed for good.
#[utoipa::path(
    get, path = "/topics/{topic}/events", tag = "topics",
    params(
        ("topic" = String, Path, description = "Full name, such as `room:metrics`"), EventsQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "Resumes a stream"),
    ),
    responses(
        (status = 200, content((EventPage = "application/json"), (String = "text/event-stream"))),
        (status = 204, description = "A stream that resumes after a job's last event: nothing more follows"),
        Failures
    )
)]
async fn follow(
    State(state): State<AppState>,
    caller: Caller,
    Path(topic): Path<String>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    events::answer(&state, caller, &topic, parameters, &headers).await
}

/// Publish an event
///
/// To a `room:` or `user:` topic. The answer comes when the event is durable.
#[utoipa::path(
    post, path = "/topics/{topic}/events", tag = "topics", request_body = NewEvent,
    params(
        ("topic" = String, Path, description = "Full name, such as `room:metrics`"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key gives the same event for 24 h"),
    ),
    responses((status = 201, body = Published), Failures)
)]
async fn publish(
    State(state): State<AppState>,
    caller: Caller,
    Path(topic): Path<String>,
    key: IdempotencyKey,
    Body(event): Body<NewEvent>,
) -> Result<Response, Problem> {
    let request = caller.upstream.request(event.request(topic, key)?);
    let answer = state.upstream.broadcast().publish(request).await?.into_inner();
    let published = answer
        .published
        .as_ref()
        .ok_or_else(|| Problem::new(Code::Internal, "the core's answer names no event"))?;
    Ok((StatusCode::CREATED, Json(Published::of(published))).into_response())
}

/// Publish a batch
///
/// Up to 1000 events, side by side: all of them or none.
#[utoipa::path(
    post, path = "/topics/{topic}/events:batch", tag = "topics", request_body = Batch,
    params(
        ("topic" = String, Path, description = "Full name, such as `room:metrics`"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key gives the same events for 24 h"),
    ),
    responses((status = 201, body = PublishedBatch), Failures)
)]
async fn publish_batch(
    State(state): State<AppState>,
    caller: Caller,
    Path(topic): Path<String>,
    key: IdempotencyKey,
    Body(batch): Body<Batch>,
) -> Result<Response, Problem> {
    let request = caller.upstream.request(batch.request(topic, key)?);
    let answer = state.upstream.broadcast().publish_batch(request).await?.into_inner();
    let events = answer.published.iter().map(Published::of).collect();
    Ok((StatusCode::CREATED, Json(PublishedBatch { events })).into_response())
}
