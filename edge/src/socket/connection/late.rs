//! Topics that a client named when it came, and that the core could not be asked for then. Such a client
//! waits for nothing and asks no more, so the edge does, until the core has decided: one after the other,
//! while the socket is served.

use std::collections::VecDeque;

use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};
use tonic::Status;

use super::{Connection, Gone, Held};
use crate::{
    feed,
    socket::{
        refusal::Refusal,
        subscriptions::{By, Topics},
    },
    upstream::Backoff,
};

/// What is still to be joined.
#[derive(Debug)]
pub(super) struct Late {
    topics: VecDeque<(String, Option<String>)>,
    /// Whoever asks for the first of them.
    asking: JoinSet<Answer>,
    backoff: Backoff,
    /// When the core is asked again.
    at: Instant,
}

/// What came of asking for a topic.
pub(super) type Answer = Result<feed::Joined, Status>;

impl Late {
    pub(super) fn new(topics: VecDeque<(String, Option<String>)>) -> Self {
        let (asking, backoff, at) = (JoinSet::new(), Backoff::default(), Instant::now());
        let mut late = Self { topics, asking, backoff, at };
        late.postpone();
        late
    }

    fn postpone(&mut self) {
        self.at = Instant::now() + self.backoff.wait();
    }

    fn forget(&mut self, topic: &str) {
        if self.topics.front().is_some_and(|(first, _)| first == topic) {
            // Dropped with its answer, which would be taken for that of the next.
            self.asking = JoinSet::new();
        }
        self.topics.retain(|(other, _)| other != topic);
    }
}

impl Held {
    /// A topic that was left is not joined later.
    pub(super) fn forget_late(&mut self, topic: &str) {
        if let Some(late) = &mut self.late {
            late.forget(topic);
            self.late.take_if(|late| late.topics.is_empty());
        }
    }
}

impl Connection {
    /// Joins topics one after the other, before anything else of the socket's is done: its client may emit
    /// what builds on them. From the first on that nothing is decided of they are left for later.
    pub(super) async fn join_all(&self, held: &mut Held, topics: Topics) -> Result<(), Gone> {
        let mut topics: VecDeque<_> = topics.into_iter().collect();
        while let Some((topic, cursor)) = topics.pop_front() {
            if held.subscriptions.has(&topic) {
                continue;
            }
            let answer = self.join(&topic, cursor.as_deref()).await;
            if !self.decide(held, &topic, answer).await? {
                topics.push_back((topic, cursor));
                held.late = Some(Box::new(Late::new(topics)));
                break;
            }
        }
        Ok(())
    }

    /// Waits for the core's answer on the first topic that is late. Dropping the future loses nothing.
    pub(super) async fn answered(&self, late: Option<&mut Late>) -> Answer {
        let Some(late) = late else { return std::future::pending().await };
        loop {
            match late.asking.join_next().await {
                Some(Ok(answer)) => return answer,
                // It panicked, and may again.
                Some(Err(_)) => late.postpone(),
                None => {}
            }
            sleep_until(late.at).await;
            let Some((topic, cursor)) = late.topics.front() else {
                return std::future::pending().await;
            };
            late.asking.spawn(self.join(topic, cursor.as_deref()));
        }
    }

    /// Joins the first topic that is late, or has it wait behind the others.
    pub(super) async fn join_late(&self, held: &mut Held, answer: Answer) -> Result<(), Gone> {
        let Some(mut late) = held.late.take() else { return Ok(()) };
        let Some((topic, cursor)) = late.topics.pop_front() else { return Ok(()) };
        if self.decide(held, &topic, answer).await? {
            late.backoff.reset();
        } else {
            late.topics.push_back((topic, cursor));
            late.postpone();
        }
        held.late = Some(late).filter(|late| !late.topics.is_empty());
        Ok(())
    }

    /// Joins a topic, or says why not. Answers whether that was decided: what may be different another
    /// time is not.
    pub(super) async fn decide(
        &self,
        held: &mut Held,
        topic: &str,
        answer: Answer,
    ) -> Result<bool, Gone> {
        if held.subscriptions.has(topic) {
            // The client has asked for it by itself meanwhile, perhaps only as one of the dashboard's.
            held.subscriptions.join(topic, By::Name);
            return Ok(true);
        }
        let answer = answer.map_err(|status| Refusal::of_topic(&status, topic));
        match answer.and_then(|joined| held.subscriptions.make_room(topic).map(|()| joined)) {
            // It lay here while something else was done, and rights have changed.
            Ok(joined) if joined.reader.is_doubtful() => return Ok(false),
            Ok(joined) => self.begin(held, joined, None, "").await?,
            Err(refusal) if refusal.is_retryable() => return Ok(false),
            Err(refusal) => {
                self.outlet.leave(topic);
                refusal.tell(&self.outlet, None).await?;
            }
        }
        Ok(true)
    }
}
