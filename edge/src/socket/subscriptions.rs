//! The topics one socket joined, each with the task that delivers it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use roomcast_proto::registry::Code;
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{Outlet, command::Refusal};
use crate::{
    delivery::{End, deliver},
    feed::Reader,
};

/// Topics one socket joins at most: each is a task and a place in a feed.
pub(super) const TOPICS_MAX: usize = 1000;

#[derive(Debug)]
pub(super) struct Subscriptions {
    outlet: Outlet,
    by_topic: BTreeMap<String, Subscription>,
    /// The names alone, for those who look from outside.
    names: Names,
    /// Boxed: a channel takes room for many at once.
    ends: mpsc::Receiver<Box<Ended>>,
    report: mpsc::Sender<Box<Ended>>,
    last_number: u64,
}

/// Names of the topics joined. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Names(Arc<Mutex<BTreeSet<String>>>);

/// A delivery that ended by itself.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) topic: String,
    pub(super) end: End,
    number: u64,
}

#[derive(Debug)]
struct Subscription {
    /// Tells a delivery from the one that took its place.
    number: u64,
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

impl Subscriptions {
    pub(super) fn new(outlet: Outlet, names: Names) -> Self {
        // Room for an end of each, so that no delivery waits to report it.
        let (report, ends) = mpsc::channel(TOPICS_MAX);
        Self { outlet, by_topic: BTreeMap::new(), names, ends, report, last_number: 0 }
    }

    /// Whether one more topic may be joined.
    pub(super) fn make_room(&self, topic: &str) -> Result<(), Refusal> {
        if self.by_topic.len() < TOPICS_MAX || self.by_topic.contains_key(topic) {
            return Ok(());
        }
        let code = Code::TooManySubscriptions;
        Err(Refusal::new(code, code.entry().cause))
    }

    /// Delivers what the reader gives. The topic must not be joined.
    pub(super) fn start(&mut self, reader: Reader) {
        self.last_number += 1;
        let number = self.last_number;
        let topic = reader.topic().to_owned();
        let cancel = CancellationToken::new();
        let task = tokio::spawn(run(
            reader,
            self.outlet.clone(),
            cancel.clone(),
            self.report.clone(),
            number,
        ));
        self.names.change(|names| names.insert(topic.clone()));
        self.by_topic.insert(topic, Subscription { number, cancel, task });
    }

    /// Ends a topic's deliveries. When this returns, nothing of it is emitted any more.
    pub(super) async fn stop(&mut self, topic: &str) {
        let Some(subscription) = self.by_topic.remove(topic) else { return };
        subscription.cancel.cancel();
        // A delivery that panicked has ended too.
        let _ = subscription.task.await;
        self.outlet.leave(topic);
        self.names.change(|names| names.remove(topic));
    }

    /// Ends the deliveries of the user's own topic. The core makes its name of the user's id, so it is
    /// known by its kind: nobody but an administrator joins another user's.
    pub(super) async fn stop_own(&mut self) {
        let own = self.by_topic.keys().find(|topic| topic.starts_with("user:")).cloned();
        if let Some(topic) = own {
            self.stop(&topic).await;
        }
    }

    /// Waits for a delivery to end by itself.
    pub(super) async fn ended(&mut self) -> Ended {
        loop {
            let Some(ended) = self.ends.recv().await else { return std::future::pending().await };
            let number = self.by_topic.get(&ended.topic).map(|subscription| subscription.number);
            if number == Some(ended.number) {
                return *ended;
            }
        }
    }

    /// Ends all deliveries without waiting.
    pub(super) fn abandon(&mut self) {
        for subscription in std::mem::take(&mut self.by_topic).into_values() {
            subscription.cancel.cancel();
        }
    }
}

impl Names {
    pub(super) fn list(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn change<T>(&self, change: impl FnOnce(&mut BTreeSet<String>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn run(
    reader: Reader,
    outlet: Outlet,
    cancel: CancellationToken,
    report: mpsc::Sender<Box<Ended>>,
    number: u64,
) {
    let topic = reader.topic().to_owned();
    tokio::select! {
        // Looked at first: after a leave nothing more is emitted.
        biased;
        () = cancel.cancelled() => {}
        end = deliver(reader, &outlet) => {
            // Full or closed only when the socket is going anyway.
            let _ = report.try_send(Box::new(Ended { topic, end, number }));
        }
    }
}
