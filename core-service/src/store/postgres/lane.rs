//! A thread that writes through a connection of its own. It takes what waits, decides and writes it in
//! one transaction, commits, taps the events, answers, and begins again at once: batches form while the
//! database is busy with the one before, so that there is no timer.
//!
//! A batch that fails because others were at it runs again: what it decides is pure. Of a commit whose
//! answer is lost, the lane's row tells whether it happened; only then does it run again or answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::Clock;
use super::failure::{Failure, Trouble, told};
use super::link::Link;
use super::pending::UNDATED;
use super::plan::{More, Planner};
use super::rows::{Mark, Rows};
use super::target::Target;
use super::turns::{Turn, Turns};
use crate::domain::event::Linked;
use crate::domain::job::Limits;
use crate::domain::retention::Retentions;
use crate::domain::time::Time;
use crate::store::answers::Answers;
use crate::store::batch::Batch;
use crate::store::commit::Command;
use crate::store::queue::{Budget, Request};
use crate::store::status::Status;
use crate::store::{Committed, Error, Tap, meter};

/// Commands of one transaction.
const COMMANDS_MAX: usize = 1024;
/// Bytes of one transaction: what a disk writes in some milliseconds.
const BYTES_MAX: usize = 1 << 20;
/// Times that a batch runs before it is given up: each time somebody else got on.
const RUNS_MAX: u32 = 12;
/// A database that restarts is back within this: whoever waits for a commit hears nothing of it.
const OUTAGE_MAX: Duration = Duration::from_secs(5);
/// Pause between two attempts to reach the database.
const RECONNECT_PAUSE: Duration = Duration::from_millis(200);

/// What all lanes of a store share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) target: Target,
    pub(super) retentions: Arc<Retentions>,
    pub(super) limits: Arc<Limits>,
    pub(super) clock: Clock,
    pub(super) tap: Tap,
    pub(super) status: Status,
    pub(super) turns: Arc<Turns>,
    pub(super) answers: Answers,
}

/// A command, and where its outcome goes.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) command: Box<Command>,
    pub(super) reply: Reply,
}

/// Where an outcome goes.
type Reply = oneshot::Sender<Result<Committed, Error>>;

/// What the thread owns.
pub(super) struct Lane {
    shared: Shared,
    budget: Budget,
    link: Option<Link>,
    planner: Planner,
}

/// What a batch came to: an outcome for each command, and the events in commit order.
struct Done {
    outcomes: Vec<Result<Committed, Error>>,
    events: Vec<Linked>,
    /// Held until the events are tapped.
    _turn: Turn,
}

/// Why a batch did not come to anything, or nobody knows whether it did.
enum Undone {
    Failed(Failure),
    Unknown(Done, String),
}

impl From<Failure> for Undone {
    fn from(failure: Failure) -> Undone {
        Undone::Failed(failure)
    }
}

impl From<Trouble> for Undone {
    fn from(trouble: Trouble) -> Undone {
        Undone::Failed(Failure::Engine(trouble))
    }
}

impl Lane {
    /// A lane that is connected.
    pub(super) fn open(shared: Shared, budget: Budget) -> Result<Lane, Trouble> {
        let link = Some(Link::open(&shared.target)?);
        Ok(Lane { shared, budget, link, planner: Planner::new() })
    }

    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Request<Work>>) {
        let mut arrived = Vec::with_capacity(COMMANDS_MAX);
        while queue.blocking_recv_many(&mut arrived, COMMANDS_MAX) > 0 {
            meter::queue_depth(queue.len() + arrived.len());
            while !arrived.is_empty() {
                let together = arrived.drain(..fitting(&arrived)).collect();
                self.answer(together);
            }
            if self.link.is_none() {
                self.wait_for_database(&mut queue);
            }
            // Whoever rests says so: the figure stands until the next request.
            meter::queue_depth(queue.len());
        }
    }

    /// Commits requests together and answers them. If they cannot be together, one by one: what is wrong
    /// with one is not its neighbours' fault.
    fn answer(&mut self, requests: Vec<Request<Work>>) {
        let begun = Instant::now();
        match self.commit(&requests) {
            Ok(done) => {
                meter::committed(requests.len(), begun.elapsed());
                self.shared.status.set_open();
                self.give(done, requests);
            }
            Err(failure) if requests.len() > 1 && may_go_alone(&failure) => {
                self.go_alone(requests);
            }
            Err(failure) => self.refuse(failure, requests),
        }
    }

    /// Commits requests one by one. When the database has gone, it has for all that are left: to wait an
    /// outage for each of them would keep all that comes after.
    fn go_alone(&mut self, requests: Vec<Request<Work>>) {
        let mut left = requests.into_iter();
        while let Some(request) = left.next() {
            let alone = vec![request];
            match self.commit(&alone) {
                Ok(done) => self.give(done, alone),
                Err(failure) if self.link.is_some() => self.refuse(failure, alone),
                Err(failure) => self.refuse(failure, alone.into_iter().chain(&mut left).collect()),
            }
        }
    }

    fn refuse(&self, failure: Failure, requests: Vec<Request<Work>>) {
        if matches!(failure, Failure::Engine(Trouble::Full)) {
            self.shared.status.set_full();
        }
        let error = told(failure);
        tracing::warn!(%error, "a commit failed");
        let outcomes = vec![Err(error); requests.len()];
        self.reply(requests, outcomes);
    }

    fn give(&self, done: Done, requests: Vec<Request<Work>>) {
        if !done.events.is_empty() {
            (self.shared.tap)(&done.events);
        }
        self.reply(requests, done.outcomes);
    }

    /// Sends outcomes. Whoever is answered finds room for the next; the commands themselves are dropped
    /// while the answers are on their way.
    fn reply(&self, requests: Vec<Request<Work>>, outcomes: Vec<Result<Committed, Error>>) {
        self.budget.give_back(requests.iter().map(|request| request.bytes).sum());
        let works = requests.into_iter().map(|Request { work, .. }| (work.reply, work.command));
        let (replies, commands): (Vec<Reply>, Vec<Box<Command>>) = works.unzip();
        self.shared.answers.give(replies.into_iter().zip(outcomes).collect());
        drop(commands);
    }

    /// Commits a batch, however often it has to be begun.
    fn commit(&mut self, requests: &[Request<Work>]) -> Result<Done, Failure> {
        let begun = Instant::now();
        let commands: Vec<&Command> = requests.iter().map(|one| &*one.work.command).collect();
        let mut more = More::default();
        let mut runs = 0;
        loop {
            runs += 1;
            let trouble = match self.try_commit(&commands, &more) {
                Ok(done) => return Ok(done),
                Err(Undone::Unknown(mut done, reason)) => match self.find_out(begun) {
                    Ok(Some(at)) => {
                        date(&mut done.events, at);
                        return Ok(done);
                    }
                    Ok(None) => Trouble::Again(reason),
                    Err(trouble) => return Err(Failure::Engine(trouble)),
                },
                Err(Undone::Failed(Failure::Engine(trouble))) => trouble,
                Err(Undone::Failed(failure)) => return Err(failure),
            };
            match trouble {
                Trouble::Unplanned(topic) if runs < RUNS_MAX => more.topics.push(topic),
                Trouble::Unmade if runs < RUNS_MAX => more.makes_topics = true,
                Trouble::Again(_) if runs < RUNS_MAX => more.reads_first = true,
                Trouble::Otherwise if !more.reads_first => more.reads_first = true,
                // A row that was read is as it was read: it is the lane's own that is missing.
                Trouble::Otherwise => {
                    self.begin_anew(begun, runs, "the lane was forgotten".into())?
                }
                Trouble::Lost(reason) => self.begin_anew(begun, runs, reason)?,
                trouble @ (Trouble::Unplanned(_)
                | Trouble::Unmade
                | Trouble::Again(_)
                | Trouble::Full
                | Trouble::Slow
                | Trouble::Unkept(_)
                | Trouble::Broken(_)) => return Err(Failure::Engine(trouble)),
            }
        }
    }

    /// One run of a batch.
    fn try_commit(&mut self, commands: &[&Command], more: &More) -> Result<Done, Undone> {
        let Lane { shared, link, planner, .. } = self;
        let link = link.as_mut().ok_or_else(|| Trouble::Lost("there is no connection".into()))?;
        let plan = planner.plan(&link.connection, commands, &shared.limits, more)?;
        let heads = &mut planner.heads;
        let turn = Turns::take(&shared.turns, &plan.topics);
        link.batches += 1;
        let mark = Mark { stamp: link.stamp, batch: link.batches };
        let rows = Rows::begin(&link.connection, &shared.retentions, heads, &plan, mark);
        match rows.and_then(|rows| run(rows, shared, mark.stamp, commands)) {
            Ok(Run { outcomes, mut events, ended: Ok(at) }) => {
                heads.settle(&plan.topics);
                date(&mut events, at);
                Ok(Done { outcomes, events, _turn: turn })
            }
            Ok(Run { outcomes, events, ended: Err(Failure::Engine(Trouble::Lost(reason))) }) => {
                Err(Undone::Unknown(Done { outcomes, events, _turn: turn }, reason))
            }
            Ok(Run { ended: Err(failure), .. }) | Err(failure) => {
                if matches!(failure, Failure::Engine(Trouble::Unmade)) {
                    heads.forget(&*plan.topics);
                } else {
                    heads.take_back(&plan.topics);
                }
                // A rollback that fails leaves a connection that is lost: the next statement tells.
                let _ = link.connection.end();
                Err(failure.into())
            }
        }
    }

    /// Connects anew for another run of a batch.
    fn begin_anew(&mut self, begun: Instant, runs: u32, reason: String) -> Result<(), Failure> {
        self.link = None;
        // What is lost each time may be lost by this batch.
        if runs >= RUNS_MAX {
            return Err(Failure::Engine(Trouble::Lost(reason)));
        }
        self.reconnect(begun, reason).map_err(Failure::Engine)
    }

    /// When the last batch was committed, if it was, by its mark. Whoever still works on it is waited for,
    /// and the mark is taken away, so that nothing can be committed in its name later.
    fn find_out(&mut self, begun: Instant) -> Result<Option<Time>, Trouble> {
        let Some(Link { stamp, batches, .. }) = self.link.take() else { return Ok(None) };
        loop {
            self.reconnect(begun, "a commit was not answered".into())?;
            let Some(link) = &self.link else { continue };
            match link.forget(stamp, batches) {
                Ok(committed) => return Ok(committed),
                Err(Trouble::Again(_) | Trouble::Lost(_)) => self.link = None,
                Err(trouble) => return Err(trouble),
            }
        }
    }

    /// Connects anew, as long as an outage may last.
    fn reconnect(&mut self, begun: Instant, reason: String) -> Result<(), Trouble> {
        self.planner.clear();
        let mut reason = reason;
        while self.link.is_none() {
            match Link::open(&self.shared.target) {
                Ok(link) => {
                    tracing::info!("a lane is connected to the database again");
                    self.link = Some(link);
                }
                Err(trouble) => {
                    if begun.elapsed() >= OUTAGE_MAX {
                        self.shared.status.set_unreachable(&reason);
                        return Err(Trouble::Lost(reason));
                    }
                    if let Trouble::Lost(why) = trouble {
                        reason = why;
                    }
                    std::thread::park_timeout(RECONNECT_PAUSE);
                }
            }
        }
        Ok(())
    }

    /// Refuses what arrives until the database can be reached again, or the store is closed.
    fn wait_for_database(&mut self, queue: &mut mpsc::Receiver<Request<Work>>) {
        self.planner.clear();
        while self.link.is_none() {
            match Link::open(&self.shared.target) {
                Ok(link) => self.link = Some(link),
                Err(trouble) => {
                    let error = self.shared.status.set_unreachable(&format!("{trouble:?}"));
                    while let Ok(Request { work, bytes }) = queue.try_recv() {
                        self.budget.give_back(bytes);
                        drop(work.reply.send(Err(error.clone())));
                    }
                    if queue.is_closed() {
                        return;
                    }
                    std::thread::park_timeout(RECONNECT_PAUSE);
                }
            }
        }
        tracing::info!("the database can be reached again");
        self.shared.status.set_open();
    }
}

/// How many of the requests fit into one transaction: at least one.
fn fitting(requests: &[Request<Work>]) -> usize {
    let mut bytes = 0;
    let fits = |request: &&Request<Work>| {
        bytes += request.bytes;
        bytes <= BYTES_MAX
    };
    requests.iter().take(COMMANDS_MAX).take_while(fits).count().max(1)
}

/// Whether each command of a batch may still be committed by itself: one of them cannot be read or written,
/// or all of them together touch too much that nobody foresaw.
fn may_go_alone(failure: &Failure) -> bool {
    match failure {
        Failure::Engine(
            Trouble::Broken(_)
            | Trouble::Unkept(_)
            | Trouble::Slow
            | Trouble::Unplanned(_)
            | Trouble::Unmade
            | Trouble::Otherwise,
        )
        | Failure::Broken(_)
        | Failure::Refused(_) => true,
        Failure::Engine(Trouble::Again(_) | Trouble::Lost(_) | Trouble::Full) => false,
    }
}

/// What a run came to.
struct Run {
    outcomes: Vec<Result<Committed, Error>>,
    events: Vec<Linked>,
    /// What its commit came to: when that was.
    ended: Result<Time, Failure>,
}

/// Decides and writes, commits.
fn run(rows: Rows<'_>, shared: &Shared, stamp: u32, commands: &[&Command]) -> Result<Run, Failure> {
    let now = match &shared.clock {
        Clock::Database => rows.now(),
        Clock::Given(clock) => clock(),
    };
    let events = Vec::with_capacity(commands.len());
    let mut batch = Batch { rows, limits: &shared.limits, stamp, now, events };
    let mut outcomes = Vec::with_capacity(commands.len());
    for command in commands {
        outcomes.push(match batch.apply(command) {
            Ok(committed) => Ok(committed),
            // Nobody is refused by what may not be so any more.
            Err(Failure::Refused(_)) if batch.rows.is_remembered() => {
                return Err(Failure::Engine(Trouble::Otherwise));
            }
            Err(Failure::Refused(error)) => Err(error),
            Err(failure) => return Err(failure),
        });
    }
    let Batch { rows, events, .. } = batch;
    Ok(Run { outcomes, events, ended: rows.commit() })
}

/// Dates the events that were written without a time.
fn date(events: &mut [Linked], at: Time) {
    for Linked { event, .. } in events.iter_mut().filter(|linked| linked.event.time == UNDATED) {
        Arc::make_mut(event).time = at;
    }
}
