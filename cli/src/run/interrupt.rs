//! Ctrl-C, SIGTERM and a terminal that goes, counted.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The wishes of the terminal and the system that we end.
#[derive(Debug)]
pub(super) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    /// The terminal's end, which the command would not hear of. None where it is to change nothing, as
    /// under `nohup`.
    hangup: Option<Signal>,
    count: u32,
}

impl Interrupts {
    /// From here on they no longer end the process.
    pub(super) fn listen() -> io::Result<Interrupts> {
        Ok(Interrupts {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: (!outlives_terminal()).then(|| signal(SignalKind::hangup())).transpose()?,
            count: 0,
        })
    }

    /// The next one.
    pub(super) async fn next(&mut self) {
        let Self { interrupt, terminate, hangup, .. } = self;
        let gone = async {
            match hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            // Its shell says so too, and the kernel again for the shell: a terminal goes once.
            _ = gone => *hangup = None,
        }
        self.count += 1;
    }

    /// How many came.
    pub(super) fn count(&self) -> u32 {
        self.count
    }
}

/// Whether whoever started us has SIGHUP ignored. To listen for it would undo that.
fn outlives_terminal() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // A bit for each signal, from the first one on.
    ignored.is_some_and(|mask| mask >> (SignalKind::hangup().as_raw_value() - 1) & 1 == 1)
}
