//! `/topics`: describe, publish, read, follow.

mod publish;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, StatusCode};
use roomcast_proto::v1::{self, GetTopicRequest, GetTopicResponse, ListTopicsRequest};
use serde::Serialize;
use tonic::Status;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::publish::{Batch, NewEvent, Published, PublishedBatch};
use super::{
    body::Body,
    caller::Caller,
    events::{self, EventPage, EventsQuery},
    idempotency::IdempotencyKey,
    openapi::Failures,
    page_query::{PageQuery, next_page},
    parameters::Parameters,
    path::Path,
};
use crate::{problem::Problem, state::AppState};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(follow, publish))
        .routes(routes!(publish_batch))
}

/// A topic's head and its retention.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Topic<'a> {
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

/// Topics, by kind and name.
#[derive(Debug, Serialize, ToSchema)]
struct TopicPage<'a> {
    topics: Vec<Topic<'a>>,
    /// `page_token` of the next page; null on the last one.
    next_page_token: Option<&'a str>,
}

impl<'a> Topic<'a> {
    pub(super) fn of_summary(summary: &'a v1::TopicSummary) -> Self {
        let bound = |bound: u64| (bound > 0).then_some(bound);
        Self {
            topic: &summary.topic,
            head: &summary.head,
            head_offset: summary.head_offset,
            first_offset: summary.first_offset,
            bytes: summary.bytes,
            retention: Retention {
                age_seconds: summary.retention.as_ref().map(|age| age.seconds),
                events: bound(summary.retention_events),
                bytes: bound(summary.retention_bytes),
            },
        }
    }

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

/// List topics
///
/// All of the tenant that anything was written to. Needs the role admin or auditor.
#[utoipa::path(
    get, path = "/topics", tag = "topics",
    params(
        ("kind" = Option<String>, Query, description = "`job`, `session`, `project`, `room`, `user` or `audit`"),
        ("prefix" = Option<String>, Query, description = "What names, without the kind, begin with"),
        PageQuery,
    ),
    responses((status = 200, body = TopicPage), Failures)
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let (page, asked) = PageQuery::among(parameters, &["kind", "prefix"])?;
    let request = ListTopicsRequest {
        kind: asked.text("kind"),
        prefix: asked.text("prefix"),
        page_size: page.limit,
        page_token: page.page_token,
        tenant: String::new(),
    };
    let request = caller.upstream.request(request);
    let answer = state.upstream.broadcast().list_topics(request).await?.into_inner();
    let page = TopicPage {
        topics: answer.topics.iter().map(Topic::of_summary).collect(),
        next_page_token: next_page(&answer.next_page_token),
    };
    Ok(Json(page).into_response())
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
    let request = event.request(topic, key)?;
    let request = caller.upstream.repeatable(request, |one| &one.idempotency_key);
    let answer = state.upstream.broadcast().publish(request).await.map_err(refused)?.into_inner();
    let published = answer.published.as_ref().ok_or_else(|| Problem::unnamed("event"))?;
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
    let request = batch.request(topic, key)?;
    let request = caller.upstream.repeatable(request, |one| &one.idempotency_key);
    let answer =
        state.upstream.broadcast().publish_batch(request).await.map_err(refused)?.into_inner();
    let events = answer.published.iter().map(Published::of).collect();
    Ok((StatusCode::CREATED, Json(PublishedBatch { events })).into_response())
}

/// An event's `data` is the contract's `payload`.
fn refused(status: Status) -> Problem {
    Problem::from(status).naming("payload", "data")
}
