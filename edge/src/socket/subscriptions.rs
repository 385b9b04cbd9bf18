//! The topics one socket joined. A topic may be joined by its name, and by the view that shows it: it is
//! delivered once, and until the last of them is left.
//!
//! A topic that was joined by name has a task that delivers it. Those of the view are too many for that:
//! theirs has a task only until it has caught up; then it rests here, live, and gets another when it
//! falls behind or its right is in doubt.

mod work;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque, btree_map::Entry},
    sync::{Arc, Mutex, PoisonError},
};

use roomcast_proto::{dashboard, registry::Code};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

pub(super) use self::work::Entering;
use self::work::{Work, Worked};
use super::{
    delivery::{Deliveries, End},
    emit::Outlet,
    refusal::Refusal,
    view,
};
use crate::feed::{Feeds, Guest, Position, Reader};

/// Topics one socket joins by their names at most: each is a task and a place in a feed.
pub(super) const TOPICS_MAX: usize = 1000;

/// Topics to join, each with the cursor of the last event that the client has, if it has any.
pub(super) type Topics = BTreeMap<String, Option<String>>;

#[derive(Debug)]
pub(super) struct Subscriptions {
    outlet: Outlet,
    /// Boxed: a map takes room for many at once.
    by_topic: BTreeMap<String, Box<Subscription>>,
    /// The names alone, for those who look from outside.
    names: Names,
    /// Boxed: a channel takes room for many at once.
    reports: mpsc::Receiver<Box<Report>>,
    report: mpsc::Sender<Box<Report>>,
    /// Taken from the reports, not told yet.
    ended: VecDeque<Ended>,
    last_number: u64,
    /// Told when a topic that rests has fallen behind, or its right is in doubt.
    wake: Arc<Notify>,
}

/// Names of the topics joined. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Names(Arc<Mutex<BTreeSet<String>>>);

/// A delivery that ended by itself.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) topic: String,
    pub(super) end: End,
}

/// How a topic is joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// On its own.
    Name,
    /// As one of the dashboard's.
    View,
}

#[derive(Debug)]
struct Subscription {
    is_named: bool,
    is_viewed: bool,
    /// The cursor that it was begun after, where the client has named one.
    began_after: Option<Box<str>>,
    delivery: Delivery,
}

#[derive(Debug)]
enum Delivery {
    /// By a task.
    Running(Running),
    /// By itself, since it has caught up.
    Resting(Box<Deliveries>),
    /// Until it begins anew.
    Paused,
    /// To its end: nothing follows.
    Over,
}

#[derive(Debug)]
struct Running {
    /// Tells a delivery from the one that took its place.
    number: u64,
    cancel: CancellationToken,
    /// Answers what the socket has got, where it was ended.
    task: JoinHandle<Option<Position>>,
}

/// What a task says at its end.
#[derive(Debug)]
struct Report {
    topic: String,
    number: u64,
    outcome: Result<Box<Deliveries>, End>,
}

impl Subscriptions {
    pub(super) fn new(outlet: Outlet, names: Names) -> Self {
        // Room for a report of each, so that none is lost.
        let (report, reports) = mpsc::channel(TOPICS_MAX + dashboard::VIEWED.len());
        Self {
            outlet,
            by_topic: BTreeMap::new(),
            names,
            reports,
            report,
            ended: VecDeque::new(),
            last_number: 0,
            wake: Arc::default(),
        }
    }

    /// Makes room for one more topic that is joined by its name: those that have come to their end give way.
    pub(super) fn make_room(&mut self, topic: &str) -> Result<(), Refusal> {
        if self.has_room(topic) {
            return Ok(());
        }
        let over = self.by_topic.iter().filter(|(_, one)| matches!(one.delivery, Delivery::Over));
        let over: Vec<String> = over.map(|(topic, _)| topic.clone()).collect();
        over.iter().for_each(|topic| self.forget(topic));
        if self.has_room(topic) {
            return Ok(());
        }
        let code = Code::TooManySubscriptions;
        Err(Refusal::new(code, code.entry().cause).of(topic))
    }

    fn has_room(&self, topic: &str) -> bool {
        let mut named = self.by_topic.iter().filter(|(_, subscription)| subscription.is_named);
        self.by_topic.len() < TOPICS_MAX
            || named.clone().count() < TOPICS_MAX
            || named.any(|(name, _)| name == topic)
    }

    /// Whether any topic is joined.
    pub(super) fn is_any(&self) -> bool {
        !self.by_topic.is_empty()
    }

    /// Whether a topic is joined.
    pub(super) fn has(&self, topic: &str) -> bool {
        self.by_topic.contains_key(topic)
    }

    /// Whether a topic is delivered that was begun after this cursor.
    pub(super) fn began_after(&self, topic: &str, cursor: &str) -> bool {
        let known = self.by_topic.get(topic).filter(|_| !cursor.is_empty());
        known.is_some_and(|subscription| subscription.began_after.as_deref() == Some(cursor))
    }

    /// Delivers what the reader gives, of a topic joined by its name that is not being delivered.
    pub(super) fn start(&mut self, reader: Reader) {
        self.start_by(reader, By::Name, None);
    }

    /// As [`Subscriptions::start`], however it is joined, after a cursor that the client has named.
    pub(super) fn start_by(&mut self, reader: Reader, by: By, began_after: Option<&str>) {
        let topic = reader.topic().to_owned();
        let deliver = |wake| Box::new(Deliveries::new(reader, &self.outlet, wake));
        let work = match by {
            By::Name => Work::Deliver(deliver(Arc::default())),
            By::View => Work::CatchUp(deliver(Arc::clone(&self.wake))),
        };
        let running = self.run(&topic, work);
        let subscription = self.entry(topic, by);
        subscription.delivery = running;
        subscription.began_after = began_after.map(Box::from);
    }

    /// Shows a room to a guest: as one of the view's. What is joined already goes on as it is.
    pub(super) fn show(&mut self, feeds: Feeds, guest: Guest) {
        let topic = guest.topic.clone();
        if self.has(&topic) {
            self.join(&topic, By::View);
            return;
        }
        let began_after = guest.since.as_deref().map(Box::from);
        let entering = Entering { feeds, guest, wake: Arc::clone(&self.wake) };
        let running = self.run(&topic, Work::Enter(Box::new(entering)));
        let subscription = self.entry(topic, By::View);
        subscription.delivery = running;
        subscription.began_after = began_after;
    }

    /// Notes how a topic is joined that is being delivered.
    pub(super) fn join(&mut self, topic: &str, by: By) {
        self.entry(topic.to_owned(), by);
    }

    fn entry(&mut self, topic: String, by: By) -> &mut Subscription {
        let name = if by == By::View { view::TOPIC } else { &topic };
        self.names.insert(name);
        let subscription = match self.by_topic.entry(topic) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(Box::new(Subscription {
                is_named: false,
                is_viewed: false,
                began_after: None,
                delivery: Delivery::Paused,
            })),
        };
        *subscription.joined(by) = true;
        subscription
    }

    /// Makes what was joined by its name a part of the view.
    pub(super) fn adopt(&mut self, topic: &str) {
        if let Some(subscription) = self.by_topic.get_mut(topic) {
            (subscription.is_named, subscription.is_viewed) = (false, true);
            self.names.remove(topic);
            self.names.insert(view::TOPIC);
        }
    }

    /// Leaves a topic, one way. When this returns, nothing of it is emitted any more, unless it is joined
    /// in the other.
    pub(super) async fn leave(&mut self, topic: &str, by: By) {
        let Some(subscription) = self.by_topic.get_mut(topic) else {
            // It may be one that is still to be joined.
            self.outlet.leave(topic);
            return;
        };
        *subscription.joined(by) = false;
        if by == By::Name {
            self.names.remove(topic);
        }
        if !subscription.is_named && !subscription.is_viewed {
            self.stop(topic).await;
        }
    }

    /// Leaves the view.
    pub(super) async fn leave_view(&mut self) {
        self.names.remove(view::TOPIC);
        for room in view::topics() {
            self.leave(&room, By::View).await;
        }
    }

    /// Ends a topic's deliveries. When this returns, nothing of it is emitted any more.
    pub(super) async fn stop(&mut self, topic: &str) {
        self.pause(topic).await;
        self.forget(topic);
    }

    fn forget(&mut self, topic: &str) {
        self.by_topic.remove(topic);
        self.outlet.leave(topic);
        self.names.remove(topic);
    }

    /// A delivery has come to its end. The topic stays joined for as long as there is room for it; a client
    /// that recovers has nothing to come back to there. Answers whether it would have.
    pub(super) fn close(&mut self, topic: &str) -> bool {
        if let Some(subscription) = self.by_topic.get_mut(topic) {
            subscription.delivery = Delivery::Over;
        }
        self.outlet.leave(topic)
    }

    /// Ends a topic's deliveries, to begin them anew. Answers what the socket has got, where that is
    /// known.
    pub(super) async fn pause(&mut self, topic: &str) -> Option<Position> {
        // What ended before is not the end of what begins.
        self.ended.retain(|ended| ended.topic != topic);
        match self.by_topic.get_mut(topic)?.take_delivery() {
            Delivery::Running(running) => {
                running.cancel.cancel();
                // A delivery that panicked has ended too.
                let position = running.task.await.ok().flatten();
                // It may have come to rest, or to an end, before it was cancelled.
                while let Ok(report) = self.reports.try_recv() {
                    self.take(*report, running.number);
                }
                match self.by_topic.get_mut(topic)?.take_delivery() {
                    Delivery::Resting(deliveries) => Some(deliveries.halt()),
                    Delivery::Running(_) | Delivery::Paused | Delivery::Over => position,
                }
            }
            Delivery::Resting(deliveries) => Some(deliveries.halt()),
            Delivery::Paused | Delivery::Over => None,
        }
    }

    /// Waits for a delivery to end by itself. Dropping the future loses nothing.
    pub(super) async fn ended(&mut self) -> Ended {
        loop {
            if let Some(ended) = self.ended.pop_front() {
                return ended;
            }
            let renew_at = self.renew_at();
            tokio::select! {
                Some(report) = self.reports.recv() => self.take(*report, 0),
                () = self.wake.notified() => self.rouse(),
                () = until(renew_at) => self.rouse(),
            }
        }
    }

    /// Ends all deliveries without waiting.
    pub(super) fn abandon(&mut self) {
        for subscription in std::mem::take(&mut self.by_topic).into_values() {
            if let Delivery::Running(running) = subscription.delivery {
                running.cancel.cancel();
            }
        }
    }

    /// Takes in what a task has said, if it is the one that delivers the topic; or the one with the
    /// number of a delivery that is being ended.
    fn take(&mut self, report: Report, ending: u64) {
        let Report { topic, number, outcome } = report;
        let Some(subscription) = self.by_topic.get_mut(&topic) else { return };
        let is_current = match &subscription.delivery {
            Delivery::Running(running) => running.number == number,
            Delivery::Resting(_) | Delivery::Paused | Delivery::Over => number == ending,
        };
        if !is_current {
            return;
        }
        match outcome {
            Ok(deliveries) => {
                subscription.delivery = Delivery::Resting(deliveries);
                // It may have fallen behind before it lay here.
                self.wake.notify_one();
            }
            Err(end) if number != ending => self.ended.push_back(Ended { topic, end }),
            Err(_) => {}
        }
    }

    /// When the right to something that rests is to be asked for again.
    fn renew_at(&self) -> Option<Instant> {
        let renewals =
            self.by_topic.values().filter_map(|subscription| match &subscription.delivery {
                Delivery::Resting(deliveries) => Some(deliveries.renew_at()),
                Delivery::Running(_) | Delivery::Paused | Delivery::Over => None,
            });
        renewals.min()
    }

    /// Has what rests catch up where it has fallen behind, or its right is in doubt.
    fn rouse(&mut self) {
        let is_behind = |subscription: &Subscription| match &subscription.delivery {
            Delivery::Resting(deliveries) => deliveries.is_behind(),
            Delivery::Running(_) | Delivery::Paused | Delivery::Over => false,
        };
        let behind = self.by_topic.iter().filter(|(_, subscription)| is_behind(subscription));
        let behind: Vec<String> = behind.map(|(topic, _)| topic.clone()).collect();
        for topic in behind {
            let Some(subscription) = self.by_topic.get_mut(&topic) else { continue };
            if let Delivery::Resting(deliveries) = subscription.take_delivery() {
                let running = self.run(&topic, Work::CatchUp(deliveries));
                if let Some(subscription) = self.by_topic.get_mut(&topic) {
                    subscription.delivery = running;
                }
            }
        }
    }

    fn run(&mut self, topic: &str, work: Work) -> Delivery {
        self.last_number += 1;
        let (number, cancel) = (self.last_number, CancellationToken::new());
        let (topic, outlet) = (topic.to_owned(), self.outlet.clone());
        let report = self.report.clone();
        let is_cancelled = cancel.clone();
        let task = tokio::spawn(async move {
            let outcome = match work.done(&outlet, &is_cancelled).await {
                Worked::Cancelled(position) => return position,
                Worked::CaughtUp(deliveries) => Ok(deliveries),
                Worked::Ended(end) => Err(end),
            };
            // Full or closed only when the socket is going anyway.
            let _ = report.try_send(Box::new(Report { topic, number, outcome }));
            None
        });
        Delivery::Running(Running { number, cancel, task })
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

impl Subscription {
    fn joined(&mut self, by: By) -> &mut bool {
        match by {
            By::Name => &mut self.is_named,
            By::View => &mut self.is_viewed,
        }
    }

    fn take_delivery(&mut self) -> Delivery {
        std::mem::replace(&mut self.delivery, Delivery::Paused)
    }
}

impl Names {
    pub(super) fn list(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn insert(&self, name: &str) {
        self.change(|names| {
            if !names.contains(name) {
                names.insert(name.to_owned());
            }
        });
    }

    fn remove(&self, name: &str) {
        self.change(|names| {
            names.remove(name);
        });
    }

    fn change(&self, change: impl FnOnce(&mut BTreeSet<String>)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests;
