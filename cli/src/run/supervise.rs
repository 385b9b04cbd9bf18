//! Sees a command through: signals in, output out, until it has ended.

use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::Signal;
use roomcast_agent::child::Child;
use roomcast_client::worker::Work;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::batch::Batch;
use super::cancel::CancelRequest;
use super::interrupt::Interrupts;
use super::pump::{self, Echo, Pipes};
use super::verdict::Outcome;

/// What a command left running may hold its pipes open; so long its last words are waited for.
const LINGER: Duration = Duration::from_secs(2);

/// How a command came to its end.
#[derive(Debug)]
pub(super) enum Ending {
    /// By itself or by a cancellation.
    Ended(Outcome),
    /// The job is not ours any more, and the command was killed for it.
    Lost,
    /// The second interrupt: killed at once, whatever is on its way.
    Abandoned,
}

/// Who may end the command.
#[derive(Debug)]
pub(super) struct Control<'a> {
    pub(super) work: &'a Work,
    pub(super) interrupts: &'a mut Interrupts,
    pub(super) cancel: &'a mut CancelRequest,
}

/// Runs the command to its end and carries all its output into reports.
pub(super) async fn command(
    spawned: (Child, Pipes),
    control: Control<'_>,
    batch: Batch,
    echo: Echo,
) -> std::io::Result<Ending> {
    let Control { work, interrupts, cancel } = control;
    let (child, pipes) = spawned;
    let enough = CancellationToken::new();
    let pump = pump::run(pipes, work, (batch, echo), enough.clone());
    tokio::pin!(pump);
    let mut is_pumping = true;
    let mut watched = Watched::new(child);
    loop {
        let next_at = watched.next_at();
        tokio::select! {
            // An error is the lost lease, which has an arm of its own.
            _ = &mut pump, if is_pumping => is_pumping = false,
            status = watched.child.wait(), if watched.outcome.is_none() => watched.ended(status?),
            () = work.cancelled().cancelled(), if !watched.is_cancelled => {
                watched.cancel(work.grace().unwrap_or_else(|| cancel.grace()));
            }
            () = work.lost().cancelled() => return Ok(Ending::Lost),
            () = interrupts.next() => {
                if interrupts.count() > 1 {
                    return Ok(Ending::Abandoned);
                }
                cancel.start();
                watched.cancel(cancel.grace());
            }
            () = sleep_until(next_at.unwrap_or_else(Instant::now)), if next_at.is_some() => {
                watched.elapsed(&enough);
            }
        }
        if let Some(outcome) = watched.outcome.filter(|_| !is_pumping) {
            return Ok(Ending::Ended(outcome));
        }
    }
}

/// A command, and the moments that come by themselves.
struct Watched {
    child: Child,
    began: Instant,
    is_cancelled: bool,
    kill_at: Option<Instant>,
    enough_at: Option<Instant>,
    outcome: Option<Outcome>,
}

impl Watched {
    fn new(child: Child) -> Self {
        Self {
            child,
            began: Instant::now(),
            is_cancelled: false,
            kill_at: None,
            enough_at: None,
            outcome: None,
        }
    }

    /// Asks the command to end, and does not ask for long.
    fn cancel(&mut self, grace: Duration) {
        if self.is_cancelled {
            return;
        }
        self.is_cancelled = true;
        if self.outcome.is_none() {
            self.child.signal(Signal::SIGTERM);
            self.kill_at = Some(Instant::now() + kill_after(grace));
        }
    }

    fn ended(&mut self, status: ExitStatus) {
        let took = self.began.elapsed();
        self.outcome = Some(Outcome { status, took, was_cancelled: self.is_cancelled });
        self.kill_at = None;
        self.enough_at = Some(Instant::now() + LINGER);
        if self.is_cancelled {
            // What it started was asked to end with it, and had as long.
            self.child.signal(Signal::SIGKILL);
        }
    }

    fn next_at(&self) -> Option<Instant> {
        self.kill_at.or(self.enough_at)
    }

    fn elapsed(&mut self, enough: &CancellationToken) {
        if self.kill_at.take().is_some() {
            self.child.signal(Signal::SIGKILL);
        } else {
            self.enough_at = None;
            enough.cancel();
        }
    }
}

/// A fifth of the grace is left for the word of it to reach the core.
fn kill_after(grace: Duration) -> Duration {
    grace * 4 / 5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kill_leaves_time_for_the_word_of_it() {
        assert_eq!(kill_after(Duration::from_secs(10)), Duration::from_secs(8));
        assert_eq!(kill_after(Duration::ZERO), Duration::ZERO);
    }
}
