//! In-process subscribers: code that runs in the core and hears every committed event, without a
//! socket and without gRPC. For an audit log, for metrics of your own, for tests.
//!
//! ```no_run
//! use roomcast_core::observer::{Observer, Observers};
//!
//! # async fn run(config: roomcast_core::Config, listener: tokio::net::TcpListener) -> anyhow::Result<()> {
//! let closed = Observer::new("closed sessions", |event| {
//!     if &*event.kind == "session.closed" {
//!         println!("{} is over", event.topic);
//!     }
//! });
//! let observers = Observers::default().with(closed);
//! let shutdown = tokio_util::sync::CancellationToken::new();
//! roomcast_core::serve_observed(config, listener, shutdown, observers).await
//! # }
//! ```
//!
//! An observer hears what is durable, in the order of each topic, once, from the core's start on. Each
//! has a thread and a bounded queue of its own: one that is slow or panics harms neither the core nor
//! another observer. A slow one is told how many events it missed ([`Observer::missing`]); what it
//! must not miss it reads from the log by cursor, as every subscriber does.

mod audit;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

pub use audit::audit;

use crate::bus::weight;
use crate::domain::event::Event;

/// Events that wait for one observer: some seconds of a busy core.
const QUEUE_EVENTS_MAX: usize = 16_384;
/// Bytes of events that wait for one observer: as many events of the usual size, and not so many large ones.
const QUEUE_BYTES_MAX: usize = 64 << 20;

type Hear = Box<dyn FnMut(&Event) + Send>;
type Missing = Box<dyn FnMut(u64) + Send>;

/// Code that hears every committed event.
pub struct Observer {
    name: String,
    hear: Hear,
    missing: Missing,
}

impl Observer {
    /// An observer. `hear` runs on a thread of its own.
    #[must_use]
    pub fn new(name: impl Into<String>, hear: impl FnMut(&Event) + Send + 'static) -> Observer {
        Observer { name: name.into(), hear: Box::new(hear), missing: Box::new(|_| {}) }
    }

    /// Hears also how many events it missed, because it was slow, since it was told last.
    #[must_use]
    pub fn missing(self, missing: impl FnMut(u64) + Send + 'static) -> Observer {
        Observer { missing: Box::new(missing), ..self }
    }

    fn run(mut self, queue: &Receiver<Arc<Event>>, owed: &Owed) {
        while let Ok(event) = queue.recv() {
            owed.bytes.fetch_sub(weight(&event), Ordering::Relaxed);
            let count = owed.missed.swap(0, Ordering::Relaxed);
            if count > 0 {
                tracing::warn!(observer = self.name, count, "an observer missed events");
                self.guarded(|this| (this.missing)(count));
            }
            self.guarded(|this| (this.hear)(&event));
        }
    }

    fn guarded(&mut self, act: impl FnOnce(&mut Observer)) {
        if catch_unwind(AssertUnwindSafe(|| act(self))).is_err() {
            metrics::counter!("roomcast_observer_panics_total").increment(1);
            tracing::error!(
                observer = self.name,
                "an observer panicked; it goes on with the next event"
            );
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Observer").field(&self.name).finish()
    }
}

/// The observers of a core.
#[derive(Debug, Default)]
pub struct Observers(Vec<Observer>);

impl Observers {
    /// These and one more.
    #[must_use]
    pub fn with(mut self, observer: Observer) -> Observers {
        self.0.push(observer);
        self
    }

    /// Starts them. They end once the answer is dropped and their queues are empty.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(crate) fn start(self) -> std::io::Result<Audience> {
        let seats = self.0.into_iter().map(|observer| {
            let (sender, queue) = sync_channel(QUEUE_EVENTS_MAX);
            let owed = Arc::new(Owed::default());
            let seat = Seat { sender, owed: Arc::clone(&owed) };
            let thread = std::thread::Builder::new().name("observer".into());
            thread.spawn(move || observer.run(&queue, &owed)).map(|_| seat)
        });
        Ok(Audience(seats.collect::<Result<_, _>>()?))
    }
}

/// The queues of observers that run.
#[derive(Debug, Clone)]
pub(crate) struct Audience(Vec<Seat>);

#[derive(Debug, Clone)]
struct Seat {
    sender: SyncSender<Arc<Event>>,
    owed: Arc<Owed>,
}

/// What an observer has not heard yet.
#[derive(Debug, Default)]
struct Owed {
    /// Bytes that wait.
    bytes: AtomicUsize,
    /// Events that did not fit.
    missed: AtomicU64,
}

impl Seat {
    /// Whether the event fits.
    fn takes(&self, event: &Arc<Event>) -> bool {
        let weight = weight(event);
        let waiting = self.owed.bytes.fetch_add(weight, Ordering::Relaxed);
        let is_in = waiting < QUEUE_BYTES_MAX && self.sender.try_send(Arc::clone(event)).is_ok();
        if !is_in {
            self.owed.bytes.fetch_sub(weight, Ordering::Relaxed);
        }
        is_in
    }
}

impl Audience {
    /// Passes a committed event on. Never waits.
    pub(crate) fn hear(&self, event: &Arc<Event>) {
        for seat in self.0.iter().filter(|seat| !seat.takes(event)) {
            seat.owed.missed.fetch_add(1, Ordering::Relaxed);
            metrics::counter!("roomcast_observer_missed_total").increment(1);
        }
    }
}

#[cfg(test)]
mod tests;
