//! Patience with a hole: of what two cores commit to one topic each hears its own at once and the other's
//! a little later. So a hole is given that little; then followers are sent to the log.

use std::sync::Weak;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Followed;

/// How long: several times what a message takes, and less than anybody notices.
const PATIENCE: Duration = Duration::from_millis(3);
/// Holes that wait. What comes beyond them waits for nothing.
const HOLES_MAX: usize = 4096;

/// Where holes are noted. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Holes(mpsc::Sender<(Instant, Weak<Followed>)>);

/// Those that wait.
#[derive(Debug)]
pub struct Waiting(mpsc::Receiver<(Instant, Weak<Followed>)>);

pub(super) fn holes() -> (Holes, Waiting) {
    let (sender, receiver) = mpsc::channel(HOLES_MAX);
    (Holes(sender), Waiting(receiver))
}

impl Holes {
    /// Notes a hole. Says whether it will be waited for.
    pub(super) fn note(&self, tail: Weak<Followed>) -> bool {
        self.0.try_send((Instant::now() + PATIENCE, tail)).is_ok()
    }
}

impl Waiting {
    /// Ends the patience with each hole in time, until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let run = async {
            while let Some((end, tail)) = self.0.recv().await {
                tokio::time::sleep_until(end).await;
                if let Some(tail) = tail.upgrade() {
                    tail.jump();
                }
            }
        };
        stop.run_until_cancelled(run).await;
    }
}
