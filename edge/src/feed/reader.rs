//! One reader of one topic: pulls, keeps its right alive, and never has a gap.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use metrics::Counter;
use roomcast_proto::{
    registry::Code,
    v1::{JoinRequest, JoinResponse, ResetReason},
};
use tokio::{
    sync::{Notify, watch},
    task::yield_now,
    time::{Instant, sleep, sleep_until},
};
use tonic::Status;

use super::{
    Feeds,
    delivery::{Closed, Delivery, Reset},
    grant::Grant,
    live::{Member, Sink},
    pace::Pace,
    place::{Place, Position},
    state::Fit,
    step::Step,
    topic::Feed,
};
use crate::{
    auth::{Caller, Hold},
    names::Encoded,
    presence::Stay,
    upstream::{Backoff, CALL_DEADLINE, is_refusal},
};

/// Longest wait for the answer to a renewal: a reader with a valid grant delivers nothing meanwhile.
const RENEWAL_DEADLINE: Duration = Duration::from_secs(3);

/// In whose name a topic is read, until when, and what tells when that must be asked for anew.
#[derive(Debug)]
pub(super) struct Right {
    pub(super) caller: Caller,
    pub(super) hold: Hold,
    pub(super) grant: Grant,
    /// The user is in the topic as long as the reader is there.
    pub(super) _stay: Option<Stay>,
}

/// Delivers a topic's events after a cursor, each once and in order.
#[derive(Debug)]
pub struct Reader {
    feeds: Feeds,
    feed: Arc<Feed>,
    right: Right,
    changes: watch::Receiver<u64>,
    place: Place,
    /// Taken from the ring or the log, not delivered yet.
    taken: VecDeque<Arc<Encoded>>,
    /// Came out last. It counts as delivered once the next is asked for.
    given: Option<Arc<Encoded>>,
    backoff: Backoff,
    pace: Pace,
    /// Takes what arrives while the reader is live.
    sink: Option<Arc<dyn Sink>>,
    live: Option<Arc<Member>>,
    /// Told when it is live no more.
    wake: Arc<Notify>,
}

/// What a reader comes to at each step.
enum Turn {
    Delivery(Delivery),
    Again,
    /// All that there is was delivered.
    AtHead,
}

impl Reader {
    pub(super) fn new(feeds: Feeds, feed: Arc<Feed>, right: Right, after: &str) -> Self {
        let generation = feed.state().ring.generation();
        Self {
            changes: feed.watch(),
            place: Place::new(after, generation),
            taken: VecDeque::new(),
            given: None,
            backoff: Backoff::default(),
            pace: Pace::default(),
            sink: None,
            live: None,
            wake: Arc::default(),
            feeds,
            feed,
            right,
        }
    }

    /// Full name of the topic.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.feed.key.topic
    }

    /// The cursor of the last event that came out.
    #[must_use]
    pub fn cursor(&self) -> &str {
        self.given.as_ref().map_or(self.place.cursor(), |given| given.cursor())
    }

    /// What arrives while the reader is at the head goes to the sink from then on, and does not come
    /// out here. Everything that came out here must have gone there before [`Reader::next`] is called.
    #[must_use]
    pub fn with_sink(mut self, sink: Arc<dyn Sink>) -> Self {
        self.sink = Some(sink);
        self
    }

    /// As [`Reader::with_sink`], and `wake` is told when the reader is live no more, or its right in doubt.
    #[must_use]
    pub(crate) fn waking(mut self, sink: Arc<dyn Sink>, wake: Arc<Notify>) -> Self {
        self.right.hold.wakes(Arc::clone(&wake));
        self.wake = wake;
        self.with_sink(sink)
    }

    /// Goes on after this event instead.
    pub(crate) fn begin_after(&mut self, position: &Position) {
        self.leave_live();
        self.taken.clear();
        self.given = None;
        self.place = Place::after(position, self.feed.state().ring.generation());
    }

    /// Ends its being live. Answers what it has delivered: an event that came out last, and after which
    /// nothing was asked for, is to come again.
    pub(crate) fn halt(&mut self) -> Position {
        self.leave_live();
        self.place.position()
    }

    /// Whether a reader that caught up is to catch up again.
    pub(crate) fn is_behind(&self) -> bool {
        let is_live = self.live.as_ref().is_some_and(|live| live.is_live());
        !is_live || self.right.hold.is_touched() || self.right.grant.is_due()
    }

    /// When one that caught up is to ask for its right again.
    pub(crate) fn renew_at(&self) -> Instant {
        self.right.grant.renew_at()
    }

    /// Whether nothing may be told under the right before it is asked for again: it was touched since, or
    /// it was given a while ago and the core was not heard of late.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.right.hold.is_touched()
            || (!self.right.grant.is_fresh() && !self.feeds.0.rights.is_heard())
    }

    /// Asks for the right again where it is in doubt. Answers why it is gone, if it is.
    pub(crate) async fn make_sure(&mut self) -> Option<Closed> {
        if self.is_doubtful() { self.renew().await } else { None }
    }

    /// Waits for what comes next. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Delivery {
        self.settle();
        loop {
            match self.turn().await {
                Turn::Delivery(delivery) => return delivery,
                Turn::Again => {}
                Turn::AtHead => {
                    if !self.go_live() {
                        self.wait().await;
                    }
                }
            }
        }
    }

    /// What comes next, until there is nothing: then the reader is live, and what arrives goes to its
    /// sink, though nobody waits here. [`Reader::is_behind`] tells when somebody must again.
    pub(crate) async fn catch_up(&mut self) -> Option<Delivery> {
        self.settle();
        self.leave_live();
        loop {
            match self.turn().await {
                Turn::Delivery(delivery) => return Some(delivery),
                Turn::Again => {}
                Turn::AtHead => {
                    let sink = self.sink.as_ref()?;
                    self.live = self.feed.go_live(&self.place, sink, &self.wake);
                    if self.live.is_some() {
                        return None;
                    }
                    self.wait().await;
                }
            }
        }
    }

    async fn turn(&mut self) -> Turn {
        if self.must_renew()
            // Kept out of the task's own size: most of its life it only waits.
            && let Some(closed) = Box::pin(self.renew()).await
        {
            return Turn::Delivery(Delivery::Closed(closed));
        }
        if self.hand_over() {
            // A long replay gives way to those who are live, after each of its pages.
            yield_now().await;
            return Turn::Again;
        }
        if let Some(event) = self.taken.pop_front() {
            self.given = Some(Arc::clone(&event));
            return Turn::Delivery(Delivery::Event(event));
        }
        self.pull().await
    }

    /// Whoever asks for the next event has delivered the last.
    fn settle(&mut self) {
        if let Some(given) = self.given.take() {
            self.place.advance(&given);
        }
    }

    /// What the sink has room for goes there at once; what comes out after it is to be waited for.
    /// Answers whether anything went.
    fn hand_over(&mut self) -> bool {
        let Some(sink) = self.sink.as_ref().filter(|sink| sink.is_open()) else { return false };
        let count = sink.offer(&self.feed.key.topic, self.taken.make_contiguous());
        let Some(last) = self.taken.drain(..count).next_back() else { return false };
        self.place.advance(&last);
        catch_up_counter().increment(count as u64);
        true
    }

    /// Takes in what comes next, or waits until something may.
    async fn pull(&mut self) -> Turn {
        if let Some(live) = &self.live {
            tokio::select! {
                () = live.fell_behind() => self.leave_live(),
                () = self.right.hold.touched() => self.leave_live(),
                () = sleep_until(self.renew_at()) => {}
            }
            return Turn::Again;
        }
        // Marked as seen before the ring is read, so that no change falls between.
        self.changes.borrow_and_update();
        let (mut step, closed) = {
            let state = self.feed.state();
            (self.place.step(&state.ring), state.closed.clone())
        };
        if matches!(step, Step::ReadLog) {
            let rest = self.pace.rest(Instant::now());
            if !rest.is_zero() {
                sleep(rest).await;
            }
            let shared = &self.feeds.0;
            let page = shared.pages.after(shared, &self.feed.key, &self.place);
            let page = Box::pin(page).await;
            step = match page {
                Ok(page) => self.place.take(&page),
                Err(status) => {
                    return self.pause(&status).await.map_or(Turn::Again, Turn::Delivery);
                }
            };
        } else {
            self.pace = Pace::default();
        }
        match step {
            Step::Deliver(events) => {
                self.backoff.reset();
                self.taken.extend(events);
                Turn::Again
            }
            Step::Wait => match closed {
                Some(closed) => Turn::Delivery(Delivery::Closed(closed)),
                None => Turn::AtHead,
            },
            Step::ReadLog | Step::JoinAgain => {
                Box::pin(self.join_again()).await.map_or(Turn::Again, Turn::Delivery)
            }
        }
    }

    fn go_live(&mut self) -> bool {
        if let Some(sink) = self.sink.as_ref().filter(|sink| sink.is_open()) {
            self.live = self.feed.go_live(&self.place, sink, &self.wake);
        }
        self.live.is_some()
    }

    /// When this returns nothing more goes to the sink, and the place is after the last that did.
    fn leave_live(&mut self) {
        let Some(live) = self.live.take() else { return };
        if let Some(last) = live.leave() {
            self.place.advance(&last);
        }
        self.feed.leave_live(&live);
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.changes.changed() => {}
            () = self.right.hold.touched() => {}
            () = sleep_until(self.right.grant.renew_at()) => {}
        }
    }

    /// Asks the core where to go on, since the history is not the one this reader knows.
    async fn join_again(&mut self) -> Option<Delivery> {
        // Waits before asking, so that readers of one topic do not ask at once, nor one for ever.
        sleep(self.backoff.wait()).await;
        match self.reset().await {
            Ok(reset) => reset.map(|reset| Delivery::Reset(Box::new(reset))),
            Err(status) => self.pause(&status).await,
        }
    }

    /// A fresh beginning, unless the history goes on from the place.
    async fn reset(&mut self) -> Result<Option<Reset>, Status> {
        let mut space = None;
        loop {
            let generation = self.feed.state().ring.generation();
            // A whole session may come back, as from a first join.
            let mut response = self.ask(CALL_DEADLINE).await?;
            if response.resumed {
                self.place.confirm(generation);
                return Ok(None);
            }
            let states = &self.feeds.0.states;
            let state = match self.sink {
                Some(_) => states.encode(&mut response, space).await?,
                None => Fit::Whole(None),
            };
            match state {
                Fit::Whole(state) => {
                    self.place = Place::new(&response.cursor, generation);
                    let reset = response.reset.as_ref();
                    let reason = reset.map_or(ResetReason::Forked, |reset| reset.reason());
                    return Ok(Some(Reset { reason, response, state }));
                }
                // The session was taken out of the answer: nothing of it is held meanwhile.
                Fit::TooLarge { kib } => space = Some(states.space(kib).await?),
            }
        }
    }

    /// Whether the right is asked for again before anything else: its time is near its end, it was touched,
    /// or it is in doubt and there is something to deliver.
    fn must_renew(&self) -> bool {
        let is_waited_for = !self.taken.is_empty();
        self.right.grant.is_due()
            || self.right.hold.is_touched()
            || (is_waited_for && self.is_doubtful())
    }

    /// The right is asked for again before it ends. Without an answer deliveries go on until its end,
    /// unless it is in doubt; then they wait.
    async fn renew(&mut self) -> Option<Closed> {
        loop {
            if self.is_doubtful() {
                self.leave_live();
            }
            let touches = self.right.hold.touches();
            let rights = self.feeds.0.rights.clone();
            let answer = {
                let _turn = rights.turn().await;
                self.ask(RENEWAL_DEADLINE).await
            };
            match answer {
                Ok(_) => {
                    self.right.hold.settle(touches);
                    return None;
                }
                Err(status) if is_final(&status) => {
                    self.leave_live();
                    return Some(Closed::refused(&status));
                }
                Err(_) => self.right.grant.postpone(),
            }
            if !self.right.grant.is_over() && !self.is_doubtful() {
                return None;
            }
            self.leave_live();
            sleep_until(self.renew_at()).await;
        }
    }

    /// Asks where the topic stands after the place. The right counts by this answer from then on.
    async fn ask(&mut self, deadline: Duration) -> Result<JoinResponse, Status> {
        let request = JoinRequest {
            topic: self.feed.key.topic.clone(),
            // Who is live has what the ring has.
            since: match &self.live {
                Some(_) => self.feed.head(),
                None => self.place.cursor().to_owned(),
            },
            tenant: self.feed.key.tenant.clone(),
        };
        let caller = &self.right.caller;
        let (request, asked_at) = (caller.request_within(request, deadline), Instant::now());
        let response = self.feeds.0.upstream.broadcast().join(request).await?.into_inner();
        let token_expires_at = caller.session.expires_at();
        self.right.grant = Grant::new(response.grant.as_ref(), token_expires_at, asked_at);
        Ok(response)
    }

    /// What is refused for good is the end; anything else is tried again after a while.
    async fn pause(&mut self, status: &Status) -> Option<Delivery> {
        if is_final(status) {
            return Some(Delivery::Closed(Closed::refused(status)));
        }
        let until = Instant::now() + self.backoff.wait();
        sleep_until(until.min(self.renew_at())).await;
        None
    }
}

/// Whether asking again would come to the same: the right is gone, or what the client gave as its cursor is
/// none. A room of the dashboard is entered without asking the core about that.
fn is_final(status: &Status) -> bool {
    is_refusal(status) || Code::of(status) == Code::InvalidArgument
}

/// Events that reached sockets by pulling, whoever handed them over.
pub(crate) fn catch_up_counter() -> Counter {
    metrics::counter!("roomcast_edge_deliveries_total", "path" => "catch_up")
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.leave_live();
        self.feeds.release(&self.feed);
    }
}

#[cfg(test)]
mod tests;
