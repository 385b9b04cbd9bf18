//! The operating system's wish that the process end.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal as listen};
use tokio::time::Instant;

/// A signal that follows the first one so soon is the same wish, told twice: by the terminal to all that run
/// in it, and once more by whatever started the process.
const ECHO: Duration = Duration::from_millis(250);

/// Completes at the first SIGTERM or SIGINT from the first poll on. Whoever asks again does not want to wait
/// for the drain: the process ends then and there, as if it had been killed, with the status that says so.
pub async fn signal() {
    let mut wishes = Wishes::listen();
    wishes.next().await;
    tokio::spawn(async move {
        let first = Instant::now();
        loop {
            let kind = wishes.next().await;
            if first.elapsed() > ECHO {
                tracing::warn!("asked again to end: the drain is broken off");
                std::process::exit(128 + kind.as_raw_value());
            }
        }
    });
}

/// The signals that ask for the end. One without a handler keeps its default effect: it ends the process.
struct Wishes {
    terminate: Option<Signal>,
    interrupt: Option<Signal>,
}

impl Wishes {
    fn listen() -> Wishes {
        Wishes {
            terminate: handler(SignalKind::terminate()),
            interrupt: handler(SignalKind::interrupt()),
        }
    }

    async fn next(&mut self) -> SignalKind {
        tokio::select! {
            () = arrival(&mut self.terminate) => SignalKind::terminate(),
            () = arrival(&mut self.interrupt) => SignalKind::interrupt(),
        }
    }
}

fn handler(kind: SignalKind) -> Option<Signal> {
    let handler = listen(kind).inspect_err(|error| {
        tracing::error!(%error, "a signal handler cannot be installed; shutdown will not drain");
    });
    handler.ok()
}

async fn arrival(signals: &mut Option<Signal>) {
    match signals {
        Some(signals) => {
            signals.recv().await;
        }
        None => std::future::pending().await,
    }
}
