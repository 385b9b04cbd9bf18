//! Writes the lanes that have something to write, each in its turn.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    task::{coop::unconstrained, yield_now},
    time::{Instant, MissedTickBehavior, interval},
};

use super::{Flushed, Lane};

/// Lanes served before others of the runtime's tasks have their turn: about 100 µs.
const LANES_PER_TURN: usize = 64;

/// One of the edge's flushers. A lane belongs to one of them for its whole life.
#[derive(Debug, Default)]
pub(super) struct Flusher {
    dirty: Mutex<Vec<Arc<Lane>>>,
    wake: Notify,
}

impl Flusher {
    /// The lane has something to write.
    pub(super) fn mark(&self, lane: Arc<Lane>) {
        let is_first = {
            let mut dirty = self.dirty.lock().unwrap_or_else(PoisonError::into_inner);
            dirty.push(lane);
            dirty.len() == 1
        };
        if is_first {
            self.wake.notify_one();
        }
    }

    /// Never ends by itself. The runtime's own budget would end a turn in the middle and look like
    /// blocked peers, so turns are counted here.
    pub(super) fn run(
        self: Arc<Self>,
        look_every: Duration,
    ) -> impl Future<Output = ()> + Send + 'static {
        unconstrained(async move { self.serve(look_every).await })
    }

    async fn serve(&self, look_every: Duration) {
        let mut turn = Vec::new();
        let mut blocked: Vec<Arc<Lane>> = Vec::new();
        let mut look = interval(look_every);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.wake.notified() => {}
                _ = look.tick(), if !blocked.is_empty() => {
                    let now = Instant::now();
                    blocked.retain(|lane| lane.look_for_stall(now));
                    continue;
                }
            }
            // What others are about to add goes out with the same writes.
            yield_now().await;
            std::mem::swap(
                &mut turn,
                &mut *self.dirty.lock().unwrap_or_else(PoisonError::into_inner),
            );
            for (number, lane) in turn.drain(..).enumerate() {
                match lane.flush() {
                    Flushed::All => {}
                    Flushed::Some => lane.mark(),
                    Flushed::Blocked if lane.watch() => blocked.push(lane),
                    Flushed::Blocked => {}
                }
                if number % LANES_PER_TURN == LANES_PER_TURN - 1 {
                    yield_now().await;
                }
            }
        }
    }
}
