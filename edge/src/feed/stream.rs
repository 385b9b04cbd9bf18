//! The one upstream stream: follows every feed, takes in what arrives, and comes back when it breaks.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use roomcast_proto::{
    registry::Code,
    v1::{
        AddTopics, CloseReason, Credit, EventBatch, Fault, Open, RemoveTopics, StreamHeartbeat,
        SubscribeRequest, SubscribeResponse, SubscriptionNotice, TopicSubscription,
        subscribe_request::Request, subscribe_response::Response, subscription_notice::Notice,
    },
};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout},
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{Feeds, delivery::Closed, topic::Feed};
use crate::{
    auth::Caller,
    upstream::{Backoff, CALL_DEADLINE},
};

/// Bytes of events that may be on their way: one burst of a second at full rate, and no more that a
/// paused edge would have to hold.
const IN_FLIGHT_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Credit is given back in pieces of this size: often enough to keep the stream full.
const CREDIT_STEP_BYTES: u64 = IN_FLIGHT_BYTES_MAX / 8;
/// Subscriptions in one message: the contract's limit, and well under the message's size limit.
const CHUNK: usize = 1000;
/// Messages handed to the connection at once; the others wait in the order they came.
const OUTGOING: usize = 16;
/// The core's heartbeat until it says otherwise.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// So many missed heartbeats mean that the stream is dead.
const HEARTBEATS_MISSED_MAX: u32 = 3;
/// Feeds without readers are looked for this often, refused ones are added again, and room is made among
/// the rings of all.
const HOUSEKEEPING: Duration = Duration::from_secs(1);

pub(super) async fn run(feeds: &Feeds, shutdown: &CancellationToken) {
    let mut backoff = Backoff::default();
    loop {
        let began = Instant::now();
        let end = tokio::select! {
            end = follow(feeds) => end,
            () = shutdown.cancelled() => return,
        };
        feeds.0.connected.store(false, Ordering::Relaxed);
        metrics::gauge!("roomcast_edge_upstream_connected").set(0.0);
        let wait = backoff.wait_after(began.elapsed());
        match end {
            End::Draining => {
                feeds.0.upstream.doubt();
                tracing::info!("the core is draining; moving the subscription stream");
            }
            End::Broken(status) => tracing::warn!(
                code = ?status.code(), reason = status.message(), ?wait,
                "the subscription stream broke; coming back"
            ),
        }
        tokio::select! {
            () = sleep(wait) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// Why a stream ended.
#[derive(Debug)]
enum End {
    Draining,
    Broken(Status),
}

impl From<Status> for End {
    fn from(status: Status) -> Self {
        Self::Broken(status)
    }
}

async fn follow(feeds: &Feeds) -> End {
    match attempt(feeds).await {
        Ok(end) | Err(end) => end,
    }
}

async fn attempt(feeds: &Feeds) -> Result<End, End> {
    let (outgoing, requests) = mpsc::channel(OUTGOING);
    let mut stream = Stream::open(feeds);
    // The core answers once it has read the opening message, so it is on its way before the call.
    while let Some(request) = stream.outgoing.pop_front() {
        if let Err(full) = outgoing.try_send(request) {
            stream.outgoing.push_front(full.into_inner());
            break;
        }
    }
    let request = Caller::edge().stream_request(ReceiverStream::new(requests));
    let mut client = feeds.0.upstream.subscriber();
    let mut incoming = timeout(CALL_DEADLINE, client.subscribe(request))
        .await
        .map_err(|_| Status::deadline_exceeded("no answer to the subscription"))??
        .into_inner();
    let mut housekeeping = interval(HOUSEKEEPING);
    housekeeping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        // Reading never waits for writing: a core that waits for us to read cannot make us wait for it.
        tokio::select! {
            message = incoming.message() => match message? {
                Some(message) => {
                    if stream.take(feeds, message) {
                        return Ok(End::Draining);
                    }
                }
                None => return Err(Status::unavailable("the core ended the stream").into()),
            },
            permit = outgoing.reserve(), if !stream.outgoing.is_empty() => {
                let permit = permit.map_err(|_| Status::unavailable("the stream is closed"))?;
                if let Some(request) = stream.outgoing.pop_front() {
                    permit.send(request);
                }
            }
            () = feeds.0.changed.notified() => stream.add_new(feeds),
            _ = housekeeping.tick() => stream.tidy(feeds, Instant::now()),
            () = sleep_until(stream.dead_at) => {
                return Err(Status::unavailable("the core's heartbeats stopped").into());
            }
        }
    }
}

/// The state of one stream.
#[derive(Debug)]
struct Stream {
    followed: HashMap<u32, Arc<Feed>>,
    last_id: u32,
    outgoing: VecDeque<SubscribeRequest>,
    /// Refused for a while, to be added again.
    refused: Vec<Arc<Feed>>,
    /// What the last of them was refused with.
    refusal: String,
    consumed: u64,
    credited: u64,
    patience: Duration,
    dead_at: Instant,
}

impl Stream {
    /// A stream that follows all feeds there are, each from where its ring stands.
    fn open(feeds: &Feeds) -> Self {
        let patience = HEARTBEAT * HEARTBEATS_MISSED_MAX;
        let mut stream = Self {
            followed: HashMap::new(),
            last_id: 0,
            outgoing: VecDeque::new(),
            refused: Vec::new(),
            refusal: String::new(),
            consumed: 0,
            credited: 0,
            patience,
            dead_at: Instant::now() + patience,
        };
        stream.queue(Request::Open(Open {
            edge_id: uuid::Uuid::now_v7().to_string(),
            max_in_flight_bytes: IN_FLIGHT_BYTES_MAX,
        }));
        let all: Vec<_> = {
            let mut table = feeds.table();
            table.added.clear();
            table.feeds.values().filter(|feed| !feed.is_closed()).cloned().collect()
        };
        stream.follow(&all);
        stream
    }

    fn queue(&mut self, request: Request) {
        self.outgoing.push_back(SubscribeRequest { request: Some(request) });
    }

    fn follow(&mut self, feeds: &[Arc<Feed>]) {
        for chunk in feeds.chunks(CHUNK) {
            let subscriptions = chunk.iter().map(|feed| self.subscription(feed)).collect();
            self.queue(Request::Add(AddTopics { subscriptions }));
        }
    }

    fn subscription(&mut self, feed: &Arc<Feed>) -> TopicSubscription {
        self.last_id += 1;
        self.followed.insert(self.last_id, Arc::clone(feed));
        TopicSubscription {
            subscription_id: self.last_id,
            topic: feed.key.topic.clone(),
            tenant: feed.key.tenant.clone(),
            since: feed.head(),
        }
    }

    fn add_new(&mut self, feeds: &Feeds) {
        let added = std::mem::take(&mut feeds.table().added);
        self.follow(&added);
    }

    fn tidy(&mut self, feeds: &Feeds, now: Instant) {
        let refused: Vec<_> = std::mem::take(&mut self.refused)
            .into_iter()
            .filter(|feed| feeds.knows(feed))
            .collect();
        if !refused.is_empty() {
            // One line for all: a database that is away refuses every topic.
            tracing::warn!(
                topics = refused.len(),
                code = self.refusal,
                "subscriptions were refused; asking again"
            );
        }
        self.follow(&refused);
        feeds.relieve();
        let expired = feeds.expire(now);
        if expired.is_empty() {
            return;
        }
        let expired: HashSet<_> = expired.iter().map(Arc::as_ptr).collect();
        let is_gone = |feed: &Arc<Feed>| expired.contains(&Arc::as_ptr(feed));
        let gone: Vec<u32> =
            self.followed.iter().filter(|(_, feed)| is_gone(feed)).map(|(id, _)| *id).collect();
        for chunk in gone.chunks(CHUNK) {
            self.queue(Request::Remove(RemoveTopics { subscription_ids: chunk.to_vec() }));
        }
        for id in gone {
            self.followed.remove(&id);
        }
    }

    /// Takes in one message. Answers whether the stream is to be left.
    fn take(&mut self, feeds: &Feeds, message: SubscribeResponse) -> bool {
        self.dead_at = Instant::now() + self.patience;
        match message.response {
            Some(Response::Opened(opened)) => {
                if let Some(beat) =
                    opened.heartbeat_interval.and_then(|every| Duration::try_from(every).ok())
                {
                    self.patience = beat.max(Duration::from_millis(100)) * HEARTBEATS_MISSED_MAX;
                }
                feeds.0.connected.store(true, Ordering::Relaxed);
                metrics::gauge!("roomcast_edge_upstream_connected").set(1.0);
            }
            Some(Response::Events(batch)) => self.arrive(feeds, &batch),
            Some(Response::Notice(notice)) => self.notice(feeds, notice),
            Some(Response::Heartbeat(heartbeat)) => self.compare(&heartbeat),
            Some(Response::Draining(_)) => return true,
            None => {}
        }
        false
    }

    fn arrive(&mut self, feeds: &Feeds, batch: &EventBatch) {
        if let Some(feed) = self.followed.get(&batch.subscription_id) {
            feed.arrive(&batch.events, feeds.0.rights.is_heard());
        }
        // Also what came for a topic that was just left counts: the core sent it.
        self.consumed += batch.bytes;
        if self.consumed - self.credited >= CREDIT_STEP_BYTES {
            self.credited = self.consumed;
            self.queue(Request::Credit(Credit { consumed_bytes: self.consumed }));
        }
    }

    fn notice(&mut self, feeds: &Feeds, notice: SubscriptionNotice) {
        let id = notice.subscription_id;
        let Some(feed) = self.followed.get(&id).cloned() else { return };
        match notice.notice {
            Some(Notice::Added(added)) => feed.rebase(&added.cursor),
            Some(Notice::Reset(reset)) => feed.reset(&reset.cursor),
            Some(Notice::Closed(closed)) => {
                self.followed.remove(&id);
                match closed.reason() {
                    CloseReason::Ended => feed.close(Closed::Ended),
                    CloseReason::Draining => {
                        Code::Draining.as_str().clone_into(&mut self.refusal);
                        self.refused.push(feed);
                    }
                    CloseReason::Revoked | CloseReason::Unspecified => {
                        feeds.forget(&feed);
                        feed.close(Closed::gone("the topic is gone"));
                    }
                }
            }
            Some(Notice::Error(fault)) => {
                self.followed.remove(&id);
                self.fail(feeds, feed, &fault);
            }
            None => {}
        }
    }

    fn fail(&mut self, feeds: &Feeds, feed: Arc<Feed>, fault: &Fault) {
        if fault.retryable {
            self.refusal.clone_from(&fault.code);
            self.refused.push(feed);
        } else {
            tracing::warn!(code = fault.code, "a subscription was refused for good");
            feeds.forget(&feed);
            feed.close(Closed::from(fault));
        }
    }

    /// A head that was said to be delivered and is not here is followed again from what is here.
    fn compare(&mut self, heartbeat: &StreamHeartbeat) {
        let mut behind = Vec::new();
        for head in &heartbeat.heads {
            if let Some(feed) = self.followed.get(&head.subscription_id)
                && feed.head() != head.cursor
            {
                behind.push(head.subscription_id);
            }
        }
        if behind.is_empty() {
            return;
        }
        tracing::warn!(topics = behind.len(), "topics were behind their heads; following again");
        let feeds: Vec<_> = behind.iter().filter_map(|id| self.followed.remove(id)).collect();
        self.queue(Request::Remove(RemoveTopics { subscription_ids: behind }));
        self.follow(&feeds);
    }
}
