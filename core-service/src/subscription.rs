//! Drives [`Progression`] over the log and the bus: what one subscriber of one topic is told, in
//! order. Pulled by its consumer, so a slow one holds nothing but its place.

pub mod access;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::bus::Attachment;
use crate::domain::cursor::{Cursor, Resume};
use crate::domain::event::{Body, Event};
use crate::domain::session;
use crate::domain::subscription::{Progression, Source, Step};
use crate::domain::topic::{Kind, Topic};
use crate::log::{Log, Turn};
use crate::snapshot::Snapshot;
use crate::store::{Error, PageLimit};

/// A frame comes at least this often.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// Events taken from the tail at a time.
const TAKE_MAX: usize = 256;
/// Pause before the log is asked again for what the tail says it has and it did not show: it may have
/// lost events, and soon the tail is told.
const BARREN_PAUSE: Duration = Duration::from_millis(50);

/// Where a subscription begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With a snapshot.
    Snapshot,
    /// After a cursor, if the history from there is whole; else with a reset and a snapshot.
    After(Cursor),
    /// With a reset and a snapshot, for this reason: the cursor was another topic's.
    Reset(Resume),
    /// After whatever is there.
    Head,
}

/// What a subscriber is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    /// The state; what follows builds on it.
    Snapshot(Box<Snapshot>),
    /// The next events, without a hole.
    Events(Vec<Arc<Event>>),
    /// All that was there has been told.
    CaughtUp(Cursor),
    /// Nothing new.
    Heartbeat(Cursor),
    /// Events are missed for good. A snapshot follows.
    Reset(Resume, Cursor),
    /// The topic will have no more events.
    Ended(Cursor),
}

/// One subscriber of one topic.
#[derive(Debug)]
pub struct Subscription {
    log: Log,
    topic: Topic,
    types: Vec<String>,
    attachment: Attachment,
    progression: Progression,
    /// Where the log stood when this began, or began anew.
    head: Cursor,
    queue: VecDeque<Frame>,
    /// The place in a history that may be another one by now.
    is_doubtful: bool,
    /// Pages without an event since the last one that had some, or the last wait.
    barren: u32,
    has_ended: bool,
}

impl Subscription {
    /// Begins a subscription. `types` filters events; empty means all.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn begin(
        log: Log,
        topic: Topic,
        start: Start,
        types: Vec<String>,
    ) -> Result<Subscription, Error> {
        // Attach before reading, so that no event falls between the snapshot and the tail.
        let attachment = log.attach(&topic);
        let progression = Progression::after(Cursor::START);
        let mut subscription = Subscription {
            log,
            topic,
            types,
            attachment,
            progression,
            head: Cursor::START,
            queue: VecDeque::new(),
            is_doubtful: false,
            barren: 0,
            has_ended: false,
        };
        subscription.start(start).await?;
        Ok(subscription)
    }

    async fn start(&mut self, start: Start) -> Result<(), Error> {
        let _turn = self.turn().await;
        match start {
            Start::Snapshot => self.snapshot().await,
            Start::Reset(reason) => self.reset(reason).await,
            Start::Head => {
                let position = self.log.store().position(&self.topic, None).await?;
                self.begin_after(position.head, position.head);
                Ok(())
            }
            Start::After(cursor) => {
                let position = self.log.store().position(&self.topic, Some(cursor)).await?;
                match position.resume {
                    Some(Resume::Whole) | None => {
                        self.begin_after(cursor, position.head);
                        Ok(())
                    }
                    Some(reason) => self.reset(reason).await,
                }
            }
        }
    }

    fn begin_after(&mut self, at: Cursor, head: Cursor) {
        self.progression = Progression::after(at);
        self.head = head;
    }

    /// Where the log stood when this began, or began anew.
    #[must_use]
    pub fn head(&self) -> Cursor {
        self.head
    }

    /// The last event that was told of, or filtered out.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        self.progression.at()
    }

    /// Whether the next events come from the log.
    #[must_use]
    pub fn is_replaying(&self) -> bool {
        !self.has_ended && self.progression.source() == Source::Log
    }

    /// The next frame; none after [`Frame::Ended`]. Dropping the future loses nothing.
    ///
    /// # Errors
    /// When the store cannot be read. The subscription can be asked again.
    pub async fn next(&mut self) -> Result<Option<Frame>, Error> {
        loop {
            if let Some(frame) = self.queue.pop_front() {
                return Ok(Some(frame));
            }
            if self.has_ended {
                return Ok(None);
            }
            if self.advance().await? {
                let at = self.progression.at();
                let news = self.attachment.wait(at.offset);
                if tokio::time::timeout(HEARTBEAT, news).await.is_err() {
                    return Ok(Some(Frame::Heartbeat(at)));
                }
            }
        }
    }

    /// The next frame of what is replayed; none once that is all. It waits for nothing that is live.
    ///
    /// # Errors
    /// As [`Subscription::next`].
    pub async fn replay(&mut self) -> Result<Option<Frame>, Error> {
        while self.queue.is_empty() && self.is_replaying() {
            self.advance().await?;
        }
        Ok(self.queue.pop_front())
    }

    /// Takes a step. Says whether there is nothing to do but wait.
    async fn advance(&mut self) -> Result<bool, Error> {
        self.is_doubtful |= self.attachment.has_rewound();
        let at = self.progression.at();
        let _turn = match self.is_doubtful || self.progression.source() == Source::Log {
            true => self.turn().await,
            false => None,
        };
        if self.is_doubtful {
            self.judge().await?;
            return Ok(false);
        }
        let step = match self.progression.source() {
            Source::Log => self.read(at).await?,
            Source::Tail => self.progression.tail(self.attachment.take(at, TAKE_MAX)),
        };
        match step {
            Step::Deliver(events) => self.deliver(events),
            Step::CaughtUp => self.catch_up().await?,
            Step::Reset(reason) => self.reset(reason).await?,
            Step::Again => {}
            Step::Wait => {
                self.barren = 0;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// For one step that reads the log. Thousands of topics may want one at the same moment.
    async fn turn(&self) -> Turn {
        if self.barren > 1 {
            tokio::time::sleep(BARREN_PAUSE).await;
        }
        self.log.turn(&self.topic).await
    }

    async fn read(&mut self, at: Cursor) -> Result<Step, Error> {
        let page = self.log.store().read(&self.topic, at.offset, PageLimit::REPLAY).await?;
        self.barren = if page.events.is_empty() { self.barren + 1 } else { 0 };
        self.attachment.note(page.head);
        let mut resume = page.resume(at);
        if resume == Resume::Trimmed && at.offset == page.floor && !page.events.is_empty() {
            // Whose the event was that went last nobody can say any more. All that follows is there; where
            // a history was lost the tail tells, and then this cursor is judged by itself.
            resume = Resume::Whole;
        }
        Ok(self.progression.page(page.events, resume))
    }

    /// The log may have lost what this subscriber has: its cursor tells.
    async fn judge(&mut self) -> Result<(), Error> {
        let at = self.progression.at();
        let resume = self.log.store().position(&self.topic, Some(at)).await?.resume;
        match resume {
            Some(Resume::Whole) | None => self.progression.reread(),
            Some(reason) => self.reset(reason).await?,
        }
        self.is_doubtful = false;
        Ok(())
    }

    fn deliver(&mut self, mut events: Vec<Arc<Event>>) {
        let is_end = events.iter().any(|event| match &event.body {
            Body::Job(entry) => entry.event.is_final(),
            Body::Session(event) => matches!(**event, session::Event::Closed { .. }),
            Body::Payload(_) | Body::Summary(_) => false,
        });
        if !self.types.is_empty() {
            events.retain(|event| self.types.iter().any(|kind| **kind == *event.kind));
        }
        if !events.is_empty() {
            self.queue.push_back(Frame::Events(events));
        }
        if is_end {
            self.end();
        }
    }

    async fn catch_up(&mut self) -> Result<(), Error> {
        self.queue.push_back(Frame::CaughtUp(self.progression.at()));
        // A subscriber that comes after the end gets no final event: the job or session itself tells.
        let end = match self.topic.kind() {
            Kind::Job => {
                let stored = self.log.store().job(self.topic.name()).await?;
                let stored = stored.filter(|stored| stored.record.job.state.is_final());
                stored.map(|stored| stored.cursor)
            }
            Kind::Session => {
                let stored = self.log.store().session(self.topic.name()).await?;
                let stored = stored.filter(|stored| stored.session.closed_at.is_some());
                stored.map(|stored| stored.cursor)
            }
            Kind::Project | Kind::Room | Kind::User | Kind::Audit | Kind::Access => None,
        };
        if end == Some(self.cursor()) {
            self.end();
        }
        Ok(())
    }

    fn end(&mut self) {
        self.has_ended = true;
        self.queue.push_back(Frame::Ended(self.progression.at()));
    }

    async fn reset(&mut self, reason: Resume) -> Result<(), Error> {
        let reset_at = self.queue.len();
        self.snapshot().await?;
        self.queue.insert(reset_at, Frame::Reset(reason, self.progression.at()));
        Ok(())
    }

    async fn snapshot(&mut self) -> Result<(), Error> {
        let snapshot = self.log.snapshot(&self.topic).await?;
        self.begin_after(snapshot.cursor, snapshot.cursor);
        self.queue.push_back(Frame::Snapshot(Box::new(snapshot)));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
