//! Ctrl-C and SIGTERM, counted.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The wishes of the terminal and the system that we end.
#[derive(Debug)]
pub(super) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    count: u32,
}

impl Interrupts {
    /// From here on they no longer end the process.
    pub(super) fn listen() -> io::Result<Interrupts> {
        Ok(Interrupts {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            count: 0,
        })
    }

    /// The next one.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        self.count += 1;
    }

    /// How many came.
    pub(super) fn count(&self) -> u32 {
        self.count
    }
}
