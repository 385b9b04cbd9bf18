//! `BroadcastService`.

mod list;
mod merge;
mod presence;
mod told;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use roomcast_proto::registry::Code;
use roomcast_proto::v1::{self, broadcast_service_server::BroadcastService};
use tokio::time::Instant;
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use self::merge::Merger;
use self::told::Told;
use super::job::idempotency;
use super::vigil::Vigil;
use super::wire::{self, frame, page, publish, timestamp};
use super::{audit, subscribe, watch};
use crate::auth::{Admitted, Caller, Door};
use crate::domain::audit::{self as audit_log, Act};
use crate::domain::cursor::{Cursor, Resume};
use crate::domain::retention::Retentions;
use crate::domain::topic::{Kind, Topic};
use crate::error::status;
use crate::log::{Log, now};
use crate::store::commit::{Action, Append, Command, Committed, Idempotency};
use crate::store::{Page, PageLimit};
use crate::subscription::Start;

const PAGES: page::Sizes = page::Sizes { default: 100, max: 1000 };
/// Bytes of a page of events: well within a gRPC message.
const PAGE_BYTES_MAX: usize = 1 << 20;
/// How long a grant is good for: an edge asks again before, and a right that was lost ends by then.
pub(super) const GRANT: Duration = Duration::from_secs(300);

/// The door to the logs.
#[derive(Debug, Clone)]
pub struct Broadcast {
    log: Log,
    door: Arc<Door>,
    retentions: Retentions,
    merger: Merger,
    told: Told,
    drain: CancellationToken,
}

impl Broadcast {
    /// The service over a log. Streams end when `drain` is cancelled.
    #[must_use]
    pub fn new(
        log: Log,
        door: Arc<Door>,
        retentions: Retentions,
        drain: CancellationToken,
    ) -> Broadcast {
        let merger = Merger::new(log.clone(), Arc::clone(door.rooms()));
        Broadcast { log, door, retentions, merger, told: Told::new(), drain }
    }

    fn tells_last(&self, topic: &Topic) -> bool {
        let room = self.door.rooms().get(topic.name());
        room.is_some_and(|room| topic.kind() == Kind::Room && room.tells_last)
    }

    async fn append(
        &self,
        caller: &Caller,
        Append { topic, events }: Append,
        (expected_offset, idempotency): (Option<u64>, Option<Idempotency>),
        act: Option<audit_log::Entry>,
    ) -> Result<Vec<v1::Published>, Status> {
        let action = Action::Publish { topic: topic.clone(), events, expected_offset };
        let command = Command { action, idempotency, trace: caller.trace };
        let told = act.clone().filter(|act| self.told.is_due(act, Instant::now()));
        let committed = self.log.commit(audit::with(told.clone(), command)).await;
        let refused = act.and_then(|act| audit::refusal(act, &committed));
        if let Some(refused) = refused.filter(|one| self.told.is_due(one, Instant::now())) {
            self.told.note(&refused, Instant::now());
            audit::tell_refused(&self.log, &refused, caller.trace).await;
        }
        match committed.map_err(status)? {
            Committed::Published { cursors, is_replay } => {
                // A repetition was told of when it was new.
                if let Some(entry) = told.filter(|_| !is_replay) {
                    self.told.note(&entry, Instant::now());
                }
                Ok(cursors.into_iter().map(|cursor| published(cursor, &topic)).collect())
            }
            Committed::Job { .. } | Committed::Access { .. } | Committed::Session { .. } => {
                Err(Code::Internal.status("cursors were expected"))
            }
        }
    }
}

/// What publishing is told as, where it takes the role admin and not the room's own word. What services
/// publish is their work.
fn act(caller: &Caller, topic: &Topic, is_named: bool) -> Option<audit_log::Entry> {
    let is_act = !is_named && caller.user().is_some();
    let target = || topic.full().to_owned();
    is_act.then(|| audit::entry(caller, topic.tenant(), Act::Publish, target()))
}

fn published(cursor: Cursor, topic: &Topic) -> v1::Published {
    v1::Published {
        event_id: crate::domain::event::id(topic, cursor),
        cursor: cursor.token(topic),
        offset: cursor.offset,
    }
}

/// How many events before the head a page is to begin, if it is.
fn newest(last: i32, start: Start) -> Result<Option<u64>, Status> {
    match u64::try_from(last) {
        Ok(0) => Ok(None),
        Ok(_) if start != Start::Snapshot => {
            Err(wire::check::invalid("last", "counts from the head; leave since away"))
        }
        Ok(count) if count <= PAGES.max as u64 => Ok(Some(count)),
        Ok(_) | Err(_) => Err(wire::check::invalid("last", "must be 1 to 1000")),
    }
}

type WatchStream = Pin<Box<dyn Stream<Item = Result<v1::WatchTopicResponse, Status>> + Send>>;
type SubscribeStream = Pin<Box<dyn Stream<Item = Result<v1::SubscribeResponse, Status>> + Send>>;

#[tonic::async_trait]
impl BroadcastService for Broadcast {
    type WatchTopicStream = WatchStream;
    type SubscribeStream = SubscribeStream;

    async fn join(
        &self,
        request: Request<v1::JoinRequest>,
    ) -> Result<Response<v1::JoinResponse>, Status> {
        let Admitted { request, thing: topic, .. } = self.door.admit(&self.log, request).await?;
        let start = frame::start(&request.since, &topic)?;
        let (resume, position) = watch::resume(&self.log, &topic, start).await?;
        let mut response = v1::JoinResponse {
            topic: topic.full().to_owned(),
            tenant: topic.tenant().to_owned(),
            grant: Some(v1::Grant {
                grant_id: uuid::Uuid::now_v7().simple().to_string(),
                expire_time: Some(timestamp(now() + GRANT)),
            }),
            tells_last: self.tells_last(&topic),
            tells_presence: self.tells_presence(&topic),
            ..v1::JoinResponse::default()
        };
        if let (Start::After(since), Some(Resume::Whole)) = (start, resume) {
            response.resumed = true;
            response.cursor = request.since;
            response.offset = since.offset;
            response.head = position.head.token(&topic);
        } else {
            let snapshot = watch::snapshot(&self.log, &topic).await?;
            response.cursor = snapshot.cursor.token(&topic);
            response.offset = snapshot.cursor.offset;
            response.head.clone_from(&response.cursor);
            response.reset = resume.map(|reason| frame::reset(reason, snapshot.cursor, &topic));
            response.snapshot = frame::join_snapshot(&snapshot);
        }
        Ok(Response::new(response))
    }

    async fn publish(
        &self,
        request: Request<v1::PublishRequest>,
    ) -> Result<Response<v1::PublishResponse>, Status> {
        let Admitted { caller, request, thing: outlet, .. } =
            self.door.admit(&self.log, request).await?;
        let types = request.event.iter().map(|event| &event.r#type);
        let (topic, is_named) = outlet.open(&caller, types)?;
        let key = &request.idempotency_key;
        let idempotency = idempotency(&caller, topic.tenant(), "publish", key, &request)?;
        let event = request.event.ok_or_else(|| wire::check::invalid("event", "is required"))?;
        let act = act(&caller, &topic, is_named);
        let event = publish::event(event, &topic)?;
        let expected = request.expected_offset;
        if self.merger.merges(&topic) {
            if expected.is_some() {
                let problem = "a merged room may move on before your event is in the log";
                return Err(wire::check::invalid("expected_offset", problem));
            }
            if let Some(entry) = act.filter(|act| self.told.is_due(act, Instant::now())) {
                audit::tell(&self.log, &entry, caller.trace).await.map_err(status)?;
                self.told.note(&entry, Instant::now());
            }
            let cursor = self.merger.publish(topic.clone(), event, caller.trace).await;
            let published = Some(published(cursor.map_err(status)?, &topic));
            return Ok(Response::new(v1::PublishResponse { published }));
        }
        let append = Append { topic, events: vec![event] };
        let published = self.append(&caller, append, (expected, idempotency), act).await?;
        Ok(Response::new(v1::PublishResponse { published: published.into_iter().next() }))
    }

    async fn publish_batch(
        &self,
        request: Request<v1::PublishBatchRequest>,
    ) -> Result<Response<v1::PublishBatchResponse>, Status> {
        let Admitted { caller, request, thing: outlet, .. } =
            self.door.admit(&self.log, request).await?;
        let types = request.events.iter().map(|event| &event.r#type);
        let (topic, are_named) = outlet.open(&caller, types)?;
        let key = &request.idempotency_key;
        let idempotency = idempotency(&caller, topic.tenant(), "publish_batch", key, &request)?;
        if self.merger.merges(&topic) {
            let problem = "of a merged room's events some are left out; publish them one by one";
            return Err(wire::check::invalid("topic", problem));
        }
        let act = act(&caller, &topic, are_named);
        let events = publish::events(request.events, &topic)?;
        let expected = request.expected_offset;
        let append = Append { topic, events };
        let published = self.append(&caller, append, (expected, idempotency), act).await?;
        Ok(Response::new(v1::PublishBatchResponse { published }))
    }

    async fn list_events(
        &self,
        request: Request<v1::ListEventsRequest>,
    ) -> Result<Response<v1::ListEventsResponse>, Status> {
        let Admitted { request, thing: topic, .. } = self.door.admit(&self.log, request).await?;
        let types = wire::check::types(request.types)?;
        let start = frame::start(&request.since, &topic)?;
        let newest = newest(request.last, start)?;
        let asked = if request.page_size == 0 { request.last } else { request.page_size };
        let limit = PageLimit { events: page::size(asked, PAGES)?, bytes: PAGE_BYTES_MAX };
        let (page, after, lost) = match newest {
            Some(count) => self.newest(&topic, count, limit).await?,
            None => self.page(&topic, start, limit).await?,
        };
        let reset = lost.map(|reason| frame::reset(reason, page.head, &topic));
        let last = page.events.last().map_or(after, |event| event.cursor);
        let wants = |kind: &str| types.is_empty() || types.iter().any(|one| one == kind);
        let events = page.events.iter().filter(|event| wants(&event.kind));
        Ok(Response::new(v1::ListEventsResponse {
            events: events.map(|event| wire::event::event(event)).collect(),
            cursor: last.token(&topic),
            head: page.head.token(&topic),
            reset,
        }))
    }

    async fn get_topic(
        &self,
        request: Request<v1::GetTopicRequest>,
    ) -> Result<Response<v1::GetTopicResponse>, Status> {
        let Admitted { thing: topic, .. } = self.door.admit(&self.log, request).await?;
        let position = self.log.store().position(&topic, None).await.map_err(status)?;
        let retention = self.retentions.of(topic.kind());
        Ok(Response::new(v1::GetTopicResponse {
            topic: topic.full().to_owned(),
            head: position.head.token(&topic),
            head_offset: position.head.offset,
            first_offset: position.floor + 1,
            bytes: position.bytes,
            retention: Some(wire::duration(retention.age)),
            retention_events: retention.events.unwrap_or(0),
            retention_bytes: retention.bytes.unwrap_or(0),
        }))
    }

    async fn list_topics(
        &self,
        request: Request<v1::ListTopicsRequest>,
    ) -> Result<Response<v1::ListTopicsResponse>, Status> {
        let call = self.door.admit(&self.log, request).await?;
        self.topics(call).await.map(Response::new)
    }

    async fn list_rooms(
        &self,
        request: Request<v1::ListRoomsRequest>,
    ) -> Result<Response<v1::ListRoomsResponse>, Status> {
        let Admitted { request, .. } = self.door.admit(&self.log, request).await?;
        self.rooms(&request).map(Response::new)
    }

    async fn get_room_presence(
        &self,
        request: Request<v1::GetRoomPresenceRequest>,
    ) -> Result<Response<v1::GetRoomPresenceResponse>, Status> {
        let Admitted { thing: topic, .. } = self.door.admit(&self.log, request).await?;
        self.presence(&topic).await.map(Response::new)
    }

    async fn watch_topic(
        &self,
        request: Request<v1::WatchTopicRequest>,
    ) -> Result<Response<WatchStream>, Status> {
        let Admitted { caller, request, thing: topic, .. } =
            self.door.admit(&self.log, request).await?;
        let types = wire::check::types(request.types)?;
        let start = frame::start(&request.since, &topic)?;
        let frames = watch::follow(&self.log, topic.clone(), start, types, &self.drain).await?;
        let (log, door) = (self.log.clone(), Arc::clone(&self.door));
        let vigil = Vigil { log, door, caller, topic: Some(topic) };
        Ok(Response::new(Box::pin(frames.map_frames(watch::topic_response, vigil))))
    }

    async fn subscribe(
        &self,
        request: Request<Streaming<v1::SubscribeRequest>>,
    ) -> Result<Response<SubscribeStream>, Status> {
        let Admitted { request, .. } = self.door.admit(&self.log, request).await?;
        let stream = subscribe::open(self.log.clone(), request, self.drain.clone());
        Ok(Response::new(Box::pin(stream.await?)))
    }
}

#[cfg(test)]
mod tests;

impl Broadcast {
    /// As [`Broadcast::page`], of the newest `count` events.
    async fn newest(
        &self,
        topic: &Topic,
        count: u64,
        limit: PageLimit,
    ) -> Result<(Page, Cursor, Option<Resume>), Status> {
        let store = self.log.store();
        let head = store.position(topic, None).await.map_err(status)?.head;
        let after = head.offset.saturating_sub(count);
        let page = store.read(topic, after, limit).await.map_err(status)?;
        let head = page.head;
        Ok((page, head, None))
    }

    /// A page from where a reader begins, and where a page without events ends. Where it cannot be after
    /// the reader's own cursor, it is from the beginning, and the reason stands beside it.
    async fn page(
        &self,
        topic: &Topic,
        start: Start,
        limit: PageLimit,
    ) -> Result<(Page, Cursor, Option<Resume>), Status> {
        let read =
            async |after: u64| self.log.store().read(topic, after, limit).await.map_err(status);
        let lost = match start {
            Start::After(cursor) => {
                let page = read(cursor.offset).await?;
                let resume = page.resume(cursor);
                if resume == Resume::Whole {
                    return Ok((page, cursor, None));
                }
                Some(resume)
            }
            Start::Reset(reason) => Some(reason),
            Start::Snapshot | Start::Head => None,
        };
        // Without an event nothing is retained: the reader is at the head, wherever that is.
        let page = read(0).await?;
        let head = page.head;
        Ok((page, head, lost))
    }
}
