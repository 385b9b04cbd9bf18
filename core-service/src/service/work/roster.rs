//! The roster: which workers are connected, what each holds, and who has a slot free. Only a
//! convenience of this process: a lease is what counts, and a beat tells a worker everything that the
//! roster may have missed to tell.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use roomcast_proto::v1;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::Worker;
use crate::domain::event::{Body, Event};
use crate::domain::job::{self, Limit, Limits, Spec, State};
use crate::domain::limits;

/// Notices that wait for one worker. A worker that does not read them learns from its next beat.
const NOTICES_MAX: usize = 2048;
/// A lease that was not renewed for so long is over, whatever held it up.
const LAPSED: Duration = limits::LEASE.saturating_mul(3);
/// Two beats: less than a lease, so that a job whose lease runs out does not go to the same worker again.
const SILENT: Duration = limits::BEAT_INTERVAL.saturating_mul(2);

/// Names a connection of a worker.
pub type SeatId = u64;

/// Who is there.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    limits: Limits,
    seats: Mutex<Seats>,
    next: AtomicU64,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Seats {
    by_id: HashMap<SeatId, Seat>,
    by_job: HashMap<String, SeatId>,
    /// Counts what may have made a job, a slot or a worker free.
    news: u64,
    /// The news up to which the dispatcher has looked and left no job to anybody with a slot free.
    settled: Option<u64>,
}

impl Seats {
    fn held(&mut self, job_id: &str) -> Option<&mut Held> {
        let seat = self.by_job.get(job_id)?;
        self.by_id.get_mut(seat)?.held.get_mut(job_id)
    }

    /// Gives a job to a worker that is there. Who held it until then does not know of it: its lease ran out
    /// before it had begun, of which no event tells.
    fn give(&mut self, seat: SeatId, job_id: &str, held: Held) {
        if let Some(before) = self.by_job.insert(job_id.to_owned(), seat)
            && let Some(before) = self.by_id.get_mut(&before)
        {
            before.held.remove(job_id);
        }
        if let Some(seat) = self.by_id.get_mut(&seat) {
            seat.held.insert(job_id.to_owned(), held);
        }
    }

    /// Takes a job from the worker that holds it.
    fn free(&mut self, job_id: &str) -> Option<(mpsc::Sender<Notice>, Held)> {
        let seat = self.by_id.get_mut(&self.by_job.remove(job_id)?)?;
        Some((seat.notices.clone(), seat.held.remove(job_id)?))
    }
}

#[derive(Debug)]
struct Seat {
    worker: Worker,
    held: HashMap<String, Held>,
    notices: mpsc::Sender<Notice>,
    /// It let a lease come near its end, and has said nothing since.
    is_silent: bool,
}

impl Seat {
    fn free(&self) -> usize {
        if self.is_silent { 0 } else { self.worker.slots.saturating_sub(self.held.len()) }
    }
}

#[derive(Debug)]
struct Held {
    /// 0 while the slot is only reserved.
    fence: u64,
    /// Events up to this offset of the job's topic are older than the lease: another core's may come
    /// late, or again.
    since: u64,
    /// When the lease was granted or renewed last.
    renewed: Instant,
    is_ending: bool,
}

impl Held {
    fn new(fence: u64, since: u64) -> Held {
        Held { fence, since, renewed: Instant::now(), is_ending: false }
    }
}

/// A look of the dispatcher at the store, under way.
#[derive(Debug)]
pub struct Look {
    news: u64,
}

/// What a worker is told without having asked.
#[derive(Debug)]
pub enum Notice {
    /// A job to do.
    Assigned(Box<v1::Assignment>),
    /// Somebody asked this job to end.
    CancelRequested {
        /// Which.
        job_id: String,
    },
    /// The job is no longer the worker's.
    Lost {
        /// Which.
        job_id: String,
        /// The worker's fence.
        fence: u64,
    },
}

impl Notice {
    /// The job that it hands over, if it does.
    #[must_use]
    pub fn assignment(self) -> Option<v1::Assignment> {
        match self {
            Notice::Assigned(assignment) => Some(*assignment),
            Notice::CancelRequested { .. } | Notice::Lost { .. } => None,
        }
    }
}

/// A worker with slots free.
#[derive(Debug, Clone)]
pub struct Hungry {
    /// Its connection.
    pub seat: SeatId,
    /// Who.
    pub worker: Worker,
    /// How many slots.
    pub free: usize,
}

impl Roster {
    /// An empty roster, where kinds have these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Roster {
        Roster { inner: Arc::new(Inner { limits, ..Inner::default() }) }
    }

    /// The limits of a kind, if it has any.
    #[must_use]
    pub fn limit(&self, kind: &str) -> Option<Limit> {
        self.inner.limits.of(kind)
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.inner.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seats a worker; its notices come through the receiver.
    #[must_use]
    pub fn seat(&self, worker: Worker) -> (SeatId, mpsc::Receiver<Notice>) {
        let (notices, receiver) = mpsc::channel(NOTICES_MAX);
        let seat = self.inner.next.fetch_add(1, Ordering::Relaxed);
        let new = Seat { worker, held: HashMap::new(), notices, is_silent: false };
        self.seats().by_id.insert(seat, new);
        self.stir();
        (seat, receiver)
    }

    /// Removes a worker. Its leases stay.
    pub fn leave(&self, seat: SeatId) {
        let mut seats = self.seats();
        if let Some(left) = seats.by_id.remove(&seat) {
            for job_id in left.held.keys() {
                if seats.by_job.get(job_id) == Some(&seat) {
                    seats.by_job.remove(job_id);
                }
            }
        }
    }

    /// Gives a worker no more jobs.
    pub fn retire(&self, seat: SeatId) {
        if let Some(seat) = self.seats().by_id.get_mut(&seat) {
            seat.worker.slots = 0;
        }
    }

    /// A worker has said something: it gets jobs again, if it was silent.
    pub fn heard(&self, seat: SeatId) {
        let mut seats = self.seats();
        let silent = seats.by_id.get_mut(&seat).filter(|seat| seat.is_silent);
        if let Some(seat) = silent {
            seat.is_silent = false;
            drop(seats);
            self.stir();
        }
    }

    /// Whether a worker holds nothing, and no slot of its is reserved.
    #[must_use]
    pub fn is_idle(&self, seat: SeatId) -> bool {
        self.seats().by_id.get(&seat).is_none_or(|seat| seat.held.is_empty())
    }

    /// Notes that a worker holds a job, whose topic stands at `since`.
    pub fn hold(&self, seat: SeatId, job_id: &str, fence: u64, since: u64) {
        let mut seats = self.seats();
        if seats.by_id.contains_key(&seat) {
            seats.give(seat, job_id, Held::new(fence, since));
        }
    }

    /// Notes that a lease goes on.
    pub fn renewed(&self, job_id: &str, fence: u64) {
        let mut seats = self.seats();
        if let Some(held) = seats.held(job_id).filter(|held| held.fence == fence) {
            held.renewed = Instant::now();
        }
    }

    /// Frees the slot of a lease that its worker knows is lost.
    pub fn lose(&self, job_id: &str, fence: u64) {
        let mut seats = self.seats();
        if seats.held(job_id).is_some_and(|held| held.fence == fence) {
            seats.free(job_id);
            drop(seats);
            self.stir();
        }
    }

    /// Notes which workers say nothing, though they hold a job: a process that hangs keeps its connection,
    /// and would lose one job after the other.
    pub fn note_silent(&self, now: Instant) {
        for seat in self.seats().by_id.values_mut() {
            let mut held = seat.held.values();
            seat.is_silent |= held.any(|held| held.fence != 0 && now > held.renewed + SILENT);
        }
    }

    /// Frees the slots of leases that ran out: that they did may have been told by another core, and its
    /// word lost.
    pub fn forget_lapsed(&self, now: Instant) {
        let mut seats = self.seats();
        let held = seats.by_id.values().flat_map(|seat| &seat.held);
        let is_lapsed = |held: &Held| held.fence != 0 && now > held.renewed + LAPSED;
        let lapsed = held.filter(|(_, held)| is_lapsed(held)).map(|(job_id, _)| job_id.clone());
        for job_id in lapsed.collect::<Vec<_>>() {
            seats.free(&job_id);
        }
    }

    /// Reserves a slot for a job that is about to be created, of a worker that waits for such a job.
    /// Nothing if a job that was there before may want the slot, and none of a limited kind, whose older
    /// jobs may wait for room: none overtakes another.
    /// [`Roster::assign`] or [`Roster::give_up`] follows.
    #[must_use]
    pub fn reserve(&self, job: &Spec) -> Option<(SeatId, Worker)> {
        let mut seats = self.seats();
        if self.limit(&job.kind).is_some()
            || job.run_at > job.created_at
            || seats.settled != Some(seats.news)
        {
            return None;
        }
        let takers = seats.by_id.iter_mut().filter(|(_, seat)| seat.worker.takes(job));
        // The idlest: jobs spread over the workers.
        let (id, seat) =
            takers.max_by_key(|(_, seat)| seat.free()).filter(|(_, s)| s.free() > 0)?;
        seat.held.insert(job.id.clone(), Held::new(0, 0));
        let (id, worker) = (*id, seat.worker.clone());
        seats.by_job.insert(job.id.clone(), id);
        Some((id, worker))
    }

    /// Frees a slot that was reserved; the job, if there is one, is the dispatcher's.
    pub fn give_up(&self, seat: SeatId, job_id: &str) {
        let mut seats = self.seats();
        if seats.by_job.get(job_id) == Some(&seat) {
            seats.by_job.remove(job_id);
        }
        if let Some(found) = seats.by_id.get_mut(&seat) {
            found.held.remove(job_id);
        }
        drop(seats);
        self.stir();
    }

    /// Hands a worker its job, whose topic stands at `since`; gives it back when the worker is gone or
    /// does not read.
    ///
    /// # Errors
    /// The assignment, undelivered.
    pub fn assign(
        &self,
        seat: SeatId,
        assignment: v1::Assignment,
        since: u64,
    ) -> Result<(), Box<v1::Assignment>> {
        let job_id = assignment.job.as_ref().map(|job| job.job_id.clone()).unwrap_or_default();
        let fence = assignment.fence;
        let mut seats = self.seats();
        let Some(found) = seats.by_id.get_mut(&seat) else { return Err(Box::new(assignment)) };
        match found.notices.try_send(Notice::Assigned(Box::new(assignment))) {
            Ok(()) => {
                seats.give(seat, &job_id, Held::new(fence, since));
                Ok(())
            }
            Err(error) => match error.into_inner() {
                Notice::Assigned(assignment) => Err(assignment),
                Notice::CancelRequested { .. } | Notice::Lost { .. } => Ok(()),
            },
        }
    }

    /// Notes whether a job's holder is about to end it itself.
    pub fn mark_ending(&self, job_id: &str, is_ending: bool) {
        let mut seats = self.seats();
        if let Some(held) = seats.held(job_id) {
            held.is_ending = is_ending;
        }
    }

    /// Whether events of a type concern the roster.
    #[must_use]
    pub fn hears(kind: &str) -> bool {
        const HEARD: [&str; 6] = [
            "job.created",
            "job.queued",
            "job.cancel_requested",
            "job.completed",
            "job.failed",
            "job.cancelled",
        ];
        HEARD.contains(&kind)
    }

    /// Hears of an event that was committed here, or by another core: those may be lost, come late and
    /// come again. Called on the thread that commits: never blocks for long.
    pub fn hear(&self, event: &Event) {
        let Body::Job(entry) = &event.body else { return };
        let (job_id, offset) = (&entry.job_id, event.cursor.offset);
        match &entry.event {
            job::Event::CancelRequested(_) => self.tell_cancelled(job_id, offset),
            fact if fact.is_final() => self.release(job_id, offset),
            job::Event::Queued { .. } => self.release(job_id, offset),
            job::Event::Created(spec) if entry.state == State::Queued => self.hear_created(spec),
            job::Event::Created(_)
            | job::Event::Started { .. }
            | job::Event::Progressed(_)
            | job::Event::Output { .. }
            | job::Event::Used(_)
            | job::Event::Reported(_)
            | job::Event::Completed { .. }
            | job::Event::Failed { .. }
            | job::Event::Cancelled { .. } => {}
        }
    }

    fn hear_created(&self, spec: &Spec) {
        let seats = self.seats();
        let is_reserved = seats.by_job.contains_key(&spec.id);
        let is_wanted = seats.by_id.values().any(|seat| seat.worker.takes(spec));
        drop(seats);
        if is_wanted && !is_reserved {
            self.stir();
        }
    }

    fn tell_cancelled(&self, job_id: &str, offset: u64) {
        let mut seats = self.seats();
        if seats.held(job_id).is_none_or(|held| held.since >= offset) {
            return;
        }
        let seat = seats.by_job.get(job_id).and_then(|seat| seats.by_id.get(seat));
        if let Some(seat) = seat {
            // A full queue is the worker's: its next beat tells.
            let _ = seat.notices.try_send(Notice::CancelRequested { job_id: job_id.to_owned() });
        }
    }

    /// Frees the slot of a job that nobody holds any more, and tells a holder who does not know.
    fn release(&self, job_id: &str, offset: u64) {
        let mut seats = self.seats();
        if seats.held(job_id).is_some_and(|held| held.since >= offset) {
            return;
        }
        if let Some((notices, held)) = seats.free(job_id).filter(|(_, held)| !held.is_ending) {
            let lost = Notice::Lost { job_id: job_id.to_owned(), fence: held.fence };
            // As above: the next beat tells.
            let _ = notices.try_send(lost);
        }
        drop(seats);
        self.stir();
    }

    /// Has the dispatcher look.
    pub fn stir(&self) {
        self.seats().news += 1;
        self.inner.wake.notify_one();
    }

    /// Begins a look at the store. Until one has settled, every new job is left to the dispatcher.
    #[must_use]
    pub fn begin_look(&self) -> Look {
        let mut seats = self.seats();
        seats.settled = None;
        Look { news: seats.news }
    }

    /// Ends a look that found no job for anybody with a slot free.
    pub fn settle(&self, look: &Look) {
        self.seats().settled = Some(look.news);
    }

    /// Waits until a job, a slot or a worker came free.
    pub async fn woken(&self) {
        self.inner.wake.notified().await;
    }

    /// Workers with slots free.
    #[must_use]
    pub fn hungry(&self) -> Vec<Hungry> {
        let seats = self.seats();
        let hungry = seats.by_id.iter().filter_map(|(id, seat)| {
            let free = seat.free();
            (free > 0).then(|| Hungry { seat: *id, worker: seat.worker.clone(), free })
        });
        hungry.collect()
    }

    /// How many workers serve a kind in a tenant.
    #[must_use]
    pub fn serving(&self, kind: &str, tenant: &str) -> u32 {
        let seats = self.seats();
        let count = seats.by_id.values().filter(|seat| seat.worker.serves(kind, tenant)).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Connected workers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seats().by_id.len()
    }

    /// Whether no worker is connected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
