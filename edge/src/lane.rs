//! The frame lane: everything that is written to one TCP connection, in one queue.
//!
//! Two kinds of writers fill it. HTTP and Socket.IO's own machinery (handshake, pings, packets of
//! sessions that poll) write bytes through [`Io`]; the edge itself offers whole WebSocket frames, the
//! same bytes to every recipient. A [`walker`] finds where the messages of the first kind end, so
//! that a frame only ever stands between whole messages. Flushers write what waits, lane by lane.
//!
//! ```text
//!  hyper ─▶ Io, before the upgrade ──────────────────────────────▶ stream (TCP, or TLS over it)
//!  tungstenite ─▶ Io ─▶ walker ─▶ queue ─▶ flusher, vectored ───────▲
//!  live events, acks, snapshots ──▶ queue
//! ```
//!
//! A lane's queue is bounded in bytes. Who finds it full is told so and keeps its place in the log; a
//! peer that takes no byte for [`STALL_DEADLINE`] while some wait is ended.
//!
//! What never happens: a frame inside of another message, a frame before the CONNECT reply of its
//! namespace, a lock held while another lane is served.

mod control;
mod flusher;
mod frame;
mod frames;
mod greeting;
mod io;
mod namespace;
mod pipe;
mod queue;
mod walker;

pub use control::KillReason;
pub(crate) use frame::{text_frame, text_header};
pub(crate) use frames::Frames;
pub use greeting::Greeting;
pub use io::Io;
pub(crate) use namespace::{MARK, Namespace};
pub use pipe::Stream;
pub(crate) use walker::message_lengths;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use bytes::Bytes;
use metrics::{Counter, Gauge};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit},
    task::JoinSet,
    time::Instant,
};

use self::{
    control::Control,
    flusher::Flusher,
    pipe::Pipe,
    queue::{Queue, Settled},
};
use crate::config::Switch;

/// A peer that takes no byte for this long has gone: less than the 20 s in which a ping must be answered.
pub(crate) const STALL_DEADLINE: Duration = Duration::from_secs(15);
/// Blocked peers are looked at so often within it.
const LOOKS_PER_DEADLINE: u32 = 15;
/// Flushers at most: each saturates a core, and the other cores have events to encode.
const FLUSHERS_MAX: usize = 8;
/// What one lane may write in its turn, so that one that is far behind does not hold up the others.
const TURN_BYTES_MAX: usize = 128 * 1024;

/// All lanes of an edge, and who flushes them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Lanes(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    takes_frames: Switch,
    stall_deadline: Duration,
    flushers: Vec<Arc<Flusher>>,
    opened: AtomicUsize,
    meters: Meters,
}

/// Looked up once: they are counted at every write.
#[derive(Debug)]
struct Meters {
    connections: Gauge,
    waiting: Gauge,
    sent: Counter,
    received: Counter,
    frames: Counter,
}

impl Meters {
    fn new() -> Self {
        Self {
            connections: metrics::gauge!("roomcast_edge_tcp_connections"),
            waiting: metrics::gauge!("roomcast_edge_lane_waiting_bytes"),
            sent: metrics::counter!("roomcast_edge_sent_bytes_total"),
            received: metrics::counter!("roomcast_edge_received_bytes_total"),
            frames: metrics::counter!("roomcast_edge_frames_total"),
        }
    }
}

impl Lanes {
    /// With `Switch::Off` lanes only pass on what is written through [`Io`], and watch for stalls.
    #[must_use]
    pub fn new(takes_frames: Switch) -> Self {
        Self::with_deadline(takes_frames, STALL_DEADLINE)
    }

    fn with_deadline(takes_frames: Switch, stall_deadline: Duration) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let flushers = (0..cores.min(FLUSHERS_MAX)).map(|_| Arc::default()).collect();
        let meters = Meters::new();
        let opened = AtomicUsize::new(0);
        Self(Arc::new(Shared { takes_frames, stall_deadline, flushers, opened, meters }))
    }

    /// Flushes the lanes for as long as the set is kept.
    #[must_use]
    pub fn run(&self) -> JoinSet<()> {
        let look_every = self.0.stall_deadline / LOOKS_PER_DEADLINE;
        self.0.flushers.iter().map(|flusher| Arc::clone(flusher).run(look_every)).collect()
    }

    /// A lane over a stream, and what HTTP is spoken over. It holds its place among the connections
    /// until the latter is dropped.
    #[must_use]
    pub fn open(
        &self,
        stream: impl Stream + 'static,
        place: OwnedSemaphorePermit,
    ) -> (Io, Arc<Lane>) {
        self.0.meters.connections.increment(1.0);
        let turn = self.0.opened.fetch_add(1, Ordering::Relaxed) % self.0.flushers.len();
        let lane = Arc::new(Lane {
            queue: Mutex::default(),
            pipe: Mutex::new(Pipe::new(stream)),
            control: Control::default(),
            changed: Notify::new(),
            is_dirty: AtomicBool::new(false),
            is_upgraded: AtomicBool::new(false),
            greeting: OnceLock::new(),
            flusher: Arc::clone(&self.0.flushers[turn]),
            shared: Arc::clone(&self.0),
        });
        (Io::new(Arc::clone(&lane), place), lane)
    }
}

/// The way to one peer.
#[derive(Debug)]
pub struct Lane {
    queue: Mutex<Queue>,
    /// Locked before the queue where both are.
    pipe: Mutex<Pipe>,
    control: Control,
    /// There is room again, a namespace was opened, or the lane is over.
    changed: Notify,
    /// On its flusher's list already.
    is_dirty: AtomicBool,
    is_upgraded: AtomicBool,
    /// Of the session that it carries.
    greeting: OnceLock<Arc<Greeting>>,
    flusher: Arc<Flusher>,
    shared: Arc<Shared>,
}

/// The lane's connection has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection has gone")]
pub(crate) struct Over;

/// What became of a flush.
#[derive(Debug, PartialEq, Eq)]
enum Flushed {
    /// Nothing waits.
    All,
    /// The lane has had its turn and has more.
    Some,
    /// The peer takes nothing for the moment: the stream will wake the lane.
    Blocked,
}

impl Lane {
    /// Ends the connection, whatever waits.
    pub fn kill(&self, reason: KillReason) {
        if self.control.kill(reason) {
            self.queue().end();
            self.changed.notify_waiters();
        }
    }

    /// Why the edge has ended the connection, if it has.
    pub(crate) fn killed(&self) -> Option<KillReason> {
        self.control.killed()
    }

    /// The answer under way is `101`: after its head come WebSocket frames.
    pub fn begin_upgrade(&self) {
        self.queue().expect_upgrade();
    }

    /// CONNECT replies that pass say what the session's greeting adds to them.
    pub fn greet(&self, greeting: &Arc<Greeting>) {
        // A connection carries one session.
        let _ = self.greeting.set(Arc::clone(greeting));
    }

    /// Whether frames can be offered at all once a namespace is open.
    pub(crate) fn takes_frames(&self) -> bool {
        self.shared.takes_frames == Switch::On
    }

    /// Bytes that wait for the peer.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.queue().bytes()
    }

    /// Whether it is this connection that carries an Engine.IO session which began with polling.
    pub(crate) fn is_carrying(&self) -> bool {
        self.queue().is_carrying()
    }

    /// The namespace's CONNECT reply, or its mark, is still to be queued at Socket.IO: one that passed
    /// before opens nothing for the socket that comes.
    pub(crate) fn shut(&self, namespace: Namespace) {
        self.queue().shut(namespace);
    }

    /// Waits until the namespace's CONNECT reply, or its mark, has passed. What is offered from then on
    /// follows all that was queued at Socket.IO before it.
    pub(crate) async fn opened(&self, namespace: Namespace) -> Result<(), Over> {
        self.when(|queue| queue.is_open(namespace)).await
    }

    /// Queues as many of these pieces as there is room for, each with the number of its frames: all or
    /// nothing of each. Answers how many frames.
    pub(crate) fn offer<'a>(
        self: &Arc<Self>,
        pieces: impl IntoIterator<Item = (&'a Bytes, usize)>,
    ) -> Result<usize, Over> {
        let mut taken = 0;
        {
            let mut queue = self.queue();
            for (bytes, frames) in pieces {
                if !queue.offer(std::slice::from_ref(bytes), frames)? {
                    break;
                }
                taken += frames;
            }
        }
        if taken > 0 {
            self.mark();
        }
        Ok(taken)
    }

    /// Queues one frame that is in pieces. Answers whether there was room.
    pub(crate) fn offer_pieces(self: &Arc<Self>, frame: &[Bytes]) -> Result<bool, Over> {
        let is_taken = self.queue().offer(frame, 1)?;
        if is_taken {
            self.mark();
        }
        Ok(is_taken)
    }

    /// Waits until much of what was queued has gone: whoever found the queue full does not come back
    /// for every single frame.
    pub(crate) async fn has_room(&self) -> Result<(), Over> {
        self.when(Queue::is_low).await
    }

    async fn when(&self, is_so: impl Fn(&Queue) -> bool) -> Result<(), Over> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // Listens before it looks, so that no change falls between.
            changed.as_mut().enable();
            {
                let mut queue = self.queue();
                if queue.is_over() {
                    return Err(Over);
                }
                if is_so(&queue) {
                    return Ok(());
                }
                queue.await_change();
            }
            changed.await;
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pipe(&self) -> MutexGuard<'_, Pipe> {
        self.pipe.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The flusher is to come by.
    fn mark(self: &Arc<Self>) {
        if !self.is_dirty.swap(true, Ordering::AcqRel) {
            self.flusher.mark(Arc::clone(self));
        }
    }

    /// Writes what waits: a turn's worth of it.
    fn flush(self: &Arc<Self>) -> Flushed {
        // Before the queue is read: what is queued after that marks again.
        self.is_dirty.store(false, Ordering::Release);
        let waker = Waker::from(Arc::clone(self));
        let mut context = Context::from_waker(&waker);
        let mut pipe = self.pipe();
        if !self.is_upgraded.load(Ordering::Acquire) {
            return if pipe.is_blocked() { Flushed::Blocked } else { Flushed::All };
        }
        let (wrote, flushed) = self.write_waiting(&mut pipe, &mut context);
        self.settle(&mut pipe, wrote);
        flushed
    }

    fn write_waiting(&self, pipe: &mut Pipe, context: &mut Context<'_>) -> (usize, Flushed) {
        let mut wrote = 0;
        loop {
            let is_done = pipe.is_idle() && !self.queue().take(pipe.writing());
            if !is_done && wrote >= TURN_BYTES_MAX {
                return (wrote, Flushed::Some);
            }
            let moved =
                if is_done { pipe.flush(context).map_ok(|()| 0) } else { pipe.write(context) };
            match moved {
                Poll::Ready(Ok(_)) if is_done => return (wrote, Flushed::All),
                Poll::Ready(Ok(bytes)) => wrote += bytes,
                Poll::Ready(Err(_)) => {
                    // The reader meets the same end, and says it to whoever owns the connection.
                    self.queue().end();
                    return (wrote, Flushed::All);
                }
                Poll::Pending => return (wrote, Flushed::Blocked),
            }
        }
    }

    /// Counts what was written and wakes those who wait for room.
    fn settle(&self, pipe: &mut Pipe, wrote: usize) {
        let Settled { left, frames, is_awaited, holds_writer } = self.queue().settle(wrote);
        let meters = &self.shared.meters;
        meters.sent.increment(wrote as u64);
        meters.frames.increment(frames);
        pipe.report(left, &meters.waiting);
        if is_awaited {
            self.changed.notify_waiters();
        }
        if holds_writer {
            self.control.wake_writer();
        }
    }

    /// Ends a peer that took nothing for too long. Answers whether it is still blocked.
    fn look_for_stall(&self, now: Instant) -> bool {
        let Some(since) = self.pipe().still_blocked_since() else { return false };
        if now.duration_since(since) >= self.shared.stall_deadline {
            let is_websocket = self.queue().is_upgrading();
            self.kill(if is_websocket { KillReason::SlowConsumer } else { KillReason::Stalled });
        }
        true
    }

    fn watch(&self) -> bool {
        self.pipe().watch()
    }
}

/// The stream can take more.
impl Wake for Lane {
    fn wake(self: Arc<Self>) {
        self.mark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.mark();
    }
}

#[cfg(test)]
mod tests;
