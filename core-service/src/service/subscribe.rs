//! The multiplexed subscription of an edge: any number of topics on one stream. Each topic is a
//! subscription of its own; they share the stream's credit, and those that replay share a few places,
//! so that a long history never holds up what is live.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use roomcast_identity::DEFAULT_TENANT;
use roomcast_proto::registry::Code;
use roomcast_proto::v1::{self, subscribe_request::Request, subscribe_response::Response};
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tonic::{Status, Streaming};

use super::wire::check::{self, invalid};
use super::wire::{self, frame, publish, timestamp};
use crate::bus::weight;
use crate::domain::cursor::Cursor;
use crate::domain::event::Event;
use crate::domain::limits;
use crate::domain::topic::Topic;
use crate::error::{code, status};
use crate::log::{Log, now};
use crate::store::Error;
use crate::subscription::{Frame, Start, Subscription};

/// Messages on their way to one edge.
const RESPONSES_MAX: usize = 256;
/// Subscriptions of one stream: about 2 KB each.
const SUBSCRIPTIONS_MAX: usize = 100_000;
/// Subscriptions in one request.
const ADD_MAX: usize = 1000;
/// Subscriptions of one stream that replay at once.
const REPLAYS_AT_ONCE: usize = 8;
/// Subscriptions of one stream that begin at once. An edge that moves brings all its topics, and each is
/// looked up: the topics of other edges, and those that are behind, must not wait for all of them.
const BEGINNINGS_AT_ONCE: usize = 32;
/// Bytes of events that may be on their way without credit, if the edge does not say.
const IN_FLIGHT_DEFAULT: u64 = 4 << 20;
/// The most an edge may ask for, and the least that lets a page through.
const IN_FLIGHT_RANGE: (u64, u64) = (512 << 10, 64 << 20);
/// A sign of life comes this often.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Heads in one heartbeat.
const HEADS_MAX: usize = 1000;
/// How long an edge has to come back elsewhere.
const RECONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long a stream may take to open.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);

type Answer = Result<v1::SubscribeResponse, Status>;
type Sender = mpsc::Sender<Answer>;

/// Opens an edge's stream.
pub(super) async fn open(
    log: Log,
    mut inbound: Streaming<v1::SubscribeRequest>,
    drain: CancellationToken,
) -> Result<impl Stream<Item = Result<v1::SubscribeResponse, Status>> + Send, Status> {
    let (sender, receiver) = mpsc::channel(RESPONSES_MAX);
    tokio::spawn(async move {
        let outcome = match tokio::time::timeout(OPEN_TIMEOUT, opening(&mut inbound)).await {
            Ok(Ok(open)) => {
                let mut session = Session::new(log, open, sender.clone());
                session.run(inbound, drain).await
            }
            Ok(Err(status)) => Err(status),
            Err(_) => Err(Code::DeadlineExceeded.status("no open came")),
        };
        if let Err(status) = outcome {
            // Nobody is left to tell when the receiver is gone.
            let _ = sender.send(Err(status)).await;
        }
    });
    Ok(ReceiverStream::new(receiver))
}

async fn opening(inbound: &mut Streaming<v1::SubscribeRequest>) -> Result<v1::Open, Status> {
    match inbound.message().await?.and_then(|message| message.request) {
        Some(Request::Open(open)) => Ok(open),
        Some(_) | None => Err(invalid("request", "the first message must be open")),
    }
}

/// One edge's stream.
struct Session {
    shared: Arc<Shared>,
    /// Those that go on, and those that have ended since the last heartbeat.
    subscriptions: HashMap<u32, AbortOnDropHandle<()>>,
    consumed: u64,
}

/// What the subscriptions of a stream share.
struct Shared {
    log: Log,
    sender: Sender,
    /// Bytes that may still be sent.
    credit: Semaphore,
    in_flight_max: u64,
    replays: Semaphore,
    beginnings: Semaphore,
    heads: Mutex<HashMap<u32, v1::SubscriptionHead>>,
}

impl Session {
    fn new(log: Log, open: v1::Open, sender: Sender) -> Session {
        let asked = if open.max_in_flight_bytes == 0 {
            IN_FLIGHT_DEFAULT
        } else {
            open.max_in_flight_bytes
        };
        let in_flight_max = asked.clamp(IN_FLIGHT_RANGE.0, IN_FLIGHT_RANGE.1);
        tracing::info!(edge_id = open.edge_id, "an edge subscribed");
        let shared = Shared {
            log,
            sender,
            credit: Semaphore::new(
                usize::try_from(in_flight_max).unwrap_or(Semaphore::MAX_PERMITS),
            ),
            in_flight_max,
            replays: Semaphore::new(REPLAYS_AT_ONCE),
            beginnings: Semaphore::new(BEGINNINGS_AT_ONCE),
            heads: Mutex::default(),
        };
        Session { shared: Arc::new(shared), subscriptions: HashMap::new(), consumed: 0 }
    }

    async fn run(
        &mut self,
        mut inbound: Streaming<v1::SubscribeRequest>,
        drain: CancellationToken,
    ) -> Result<(), Status> {
        let interval = Some(wire::duration(HEARTBEAT));
        self.shared.send(Response::Opened(v1::Opened { heartbeat_interval: interval })).await?;
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        loop {
            tokio::select! {
                biased;
                () = self.shared.sender.closed() => return Ok(()),
                () = drain.cancelled() => {
                    let reconnect_within = Some(wire::duration(RECONNECT_WITHIN));
                    let draining = v1::StreamDraining { reconnect_within };
                    return self.shared.send(Response::Draining(draining)).await;
                }
                message = inbound.message() => match message? {
                    None => return Ok(()),
                    Some(message) => self.take(message)?,
                },
                _ = heartbeat.tick() => {
                    self.forget_ended();
                    self.shared.beat().await?;
                }
            }
        }
    }

    fn take(&mut self, message: v1::SubscribeRequest) -> Result<(), Status> {
        match message.request {
            Some(Request::Add(add)) => self.add(add),
            Some(Request::Remove(remove)) => {
                for id in remove.subscription_ids {
                    self.subscriptions.remove(&id);
                }
                Ok(())
            }
            Some(Request::Credit(credit)) => {
                self.give_credit(credit.consumed_bytes);
                Ok(())
            }
            Some(Request::Open(_)) => Err(invalid("request", "open comes once, first")),
            // In the words of a later version, which does without an answer.
            None => Ok(()),
        }
    }

    /// Frees what the edge has taken in; never more than is on its way, so that a confused edge cannot
    /// grow the window.
    fn give_credit(&mut self, consumed: u64) {
        let more = consumed.saturating_sub(self.consumed);
        self.consumed = self.consumed.max(consumed);
        let free = self.shared.credit.available_permits() as u64;
        let on_its_way = self.shared.in_flight_max.saturating_sub(free);
        let permits = usize::try_from(more.min(on_its_way)).unwrap_or(usize::MAX);
        self.shared.credit.add_permits(permits);
    }

    fn add(&mut self, add: v1::AddTopics) -> Result<(), Status> {
        if add.subscriptions.len() > ADD_MAX {
            return Err(invalid("add.subscriptions", "at most 1000 at once"));
        }
        for subscription in add.subscriptions {
            let id = subscription.subscription_id;
            if self.subscriptions.contains_key(&id) {
                return Err(invalid("add.subscription_id", "is already in use on this stream"));
            }
            if !self.has_room() {
                let message = "a stream has at most 100000 subscriptions";
                return Err(Code::TooManySubscriptions.status(message));
            }
            let following = tokio::spawn(follow(self.shared.clone(), subscription));
            self.subscriptions.insert(id, AbortOnDropHandle::new(following));
        }
        Ok(())
    }

    /// Whether one more may be followed. Those that ended are looked for where it matters: an edge of which
    /// most topics were refused brings them again before the next heartbeat.
    fn has_room(&mut self) -> bool {
        if self.subscriptions.len() >= SUBSCRIPTIONS_MAX {
            self.forget_ended();
        }
        self.subscriptions.len() < SUBSCRIPTIONS_MAX
    }

    /// An edge was told of each that ended, and says nothing of it: it would count for ever. So would the
    /// places of those that have gone, where more are idle than heartbeats tell of.
    fn forget_ended(&mut self) {
        self.subscriptions.retain(|_, following| !following.is_finished());
        self.shared.heads().retain(|id, _| self.subscriptions.contains_key(id));
    }
}

impl Shared {
    async fn send(&self, response: Response) -> Result<(), Status> {
        let response = v1::SubscribeResponse { response: Some(response) };
        self.sender.send(Ok(response)).await.map_err(|_| Status::cancelled("the edge is gone"))
    }

    async fn notice(
        &self,
        subscription_id: u32,
        notice: v1::subscription_notice::Notice,
    ) -> Result<(), Status> {
        let notice = v1::SubscriptionNotice { subscription_id, notice: Some(notice) };
        self.send(Response::Notice(notice)).await
    }

    async fn events(&self, subscription_id: u32, events: &[Arc<Event>]) -> Result<(), Status> {
        let bytes = events.iter().map(|event| weight(event) as u64).sum::<u64>();
        let bytes = bytes.min(self.in_flight_max);
        let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
        let credit = self.credit.acquire_many(permits).await;
        let credit = credit.map_err(|_| Status::cancelled("the stream is closed"))?;
        let room = self.room().await?;
        // Only with what is sent: a subscription that is removed while it waits gives it back.
        credit.forget();
        let events = events.iter().map(|event| wire::event::event(event)).collect();
        let batch = v1::EventBatch { subscription_id, events, bytes };
        self.heads().remove(&subscription_id);
        room.send(Ok(v1::SubscribeResponse { response: Some(Response::Events(batch)) }));
        Ok(())
    }

    /// Heads are taken and sent in one step: an event never overtakes the head from before it, or the edge
    /// would take itself to be ahead and follow anew.
    async fn beat(&self) -> Result<(), Status> {
        let room = self.room().await?;
        let mut idle = self.heads();
        let ids: Vec<u32> = idle.keys().take(HEADS_MAX).copied().collect();
        let heads = ids.iter().filter_map(|id| idle.remove(id)).collect();
        let beat = v1::StreamHeartbeat { time: Some(timestamp(now())), heads };
        room.send(Ok(v1::SubscribeResponse { response: Some(Response::Heartbeat(beat)) }));
        Ok(())
    }

    /// Room for one message on its way.
    async fn room(&self) -> Result<mpsc::Permit<'_, Answer>, Status> {
        self.sender.reserve().await.map_err(|_| Status::cancelled("the edge is gone"))
    }

    /// Where topics are that had nothing to tell since.
    fn heads(&self) -> MutexGuard<'_, HashMap<u32, v1::SubscriptionHead>> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Follows one topic until it ends or breaks off.
async fn follow(shared: Arc<Shared>, wanted: v1::TopicSubscription) {
    let id = wanted.subscription_id;
    let outcome = match begin(&shared, wanted).await {
        Ok((topic, subscription)) => deliver(&shared, id, &topic, subscription).await,
        Err(status) => Err(status),
    };
    if let Err(status) = outcome {
        let code = Code::of(&status);
        let fault = v1::Fault {
            code: code.as_str().into(),
            message: status.message().into(),
            retryable: code.entry().retryable,
        };
        // Nobody is left to tell when the stream is gone.
        let _ = shared.notice(id, v1::subscription_notice::Notice::Error(fault)).await;
    }
}

async fn begin(
    shared: &Shared,
    wanted: v1::TopicSubscription,
) -> Result<(Topic, Subscription), Status> {
    let tenant = if wanted.tenant.is_empty() { DEFAULT_TENANT } else { &wanted.tenant };
    let tenant = check::key("tenant", tenant.to_owned(), limits::SUBJECT_BYTES_MAX)?;
    let topic = publish::topic(&tenant, &wanted.topic)?;
    let start = match frame::start(&wanted.since, &topic)? {
        Start::Snapshot => Start::Head,
        start @ (Start::After(_) | Start::Reset(_) | Start::Head) => start,
    };
    // Never closed.
    let turn = shared.beginnings.acquire().await.ok();
    let log = shared.log.clone();
    let begun = Subscription::begin(log, topic.clone(), start, Vec::new()).await;
    let subscription = begun.map_err(status)?;
    drop(turn);
    let (at, head) = (subscription.cursor(), subscription.head());
    let added = v1::Added { cursor: at.token(&topic), head: head.token(&topic), offset: at.offset };
    shared.notice(wanted.subscription_id, v1::subscription_notice::Notice::Added(added)).await?;
    Ok((topic, subscription))
}

async fn deliver(
    shared: &Shared,
    id: u32,
    topic: &Topic,
    mut subscription: Subscription,
) -> Result<(), Status> {
    use v1::subscription_notice::Notice;
    loop {
        let turn = match subscription.is_replaying() {
            true => shared.replays.acquire().await.ok(),
            false => None,
        };
        let next = match turn {
            // What is live is waited for without the place: others need it to replay.
            Some(_) => subscription.replay().await,
            None => subscription.next().await,
        };
        let frame = match next {
            Ok(Some(frame)) => frame,
            Ok(None) if turn.is_some() => continue,
            Ok(None) => return Ok(()),
            Err(error) => return Err(broken(error)),
        };
        match frame {
            Frame::Events(events) => shared.events(id, &events).await?,
            Frame::Reset(reason, at) => {
                shared.heads().remove(&id);
                shared.notice(id, Notice::Reset(frame::reset(reason, at, topic))).await?;
            }
            Frame::Ended(at) => {
                let closed = frame::closed(v1::CloseReason::Ended, at, topic);
                shared.notice(id, Notice::Closed(closed)).await?;
            }
            Frame::Heartbeat(at) => shared.note_head(id, at, topic),
            // The edge gets a user's snapshot from the join; here it only marks the place.
            Frame::Snapshot(_) | Frame::CaughtUp(_) => {}
        }
        drop(turn);
    }
}

impl Shared {
    fn note_head(&self, subscription_id: u32, at: Cursor, topic: &Topic) {
        let head = v1::SubscriptionHead { subscription_id, cursor: at.token(topic) };
        self.heads().insert(subscription_id, head);
    }
}

fn broken(error: Error) -> Status {
    tracing::warn!(code = code(&error).as_str(), %error, "a subscription broke off");
    status(error)
}

#[cfg(test)]
mod tests;
