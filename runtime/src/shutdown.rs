//! The operating system's wish that the process end.

use tokio::signal::unix::{SignalKind, signal as listen};

/// Completes at the first SIGTERM or SIGINT from the first poll on.
pub async fn signal() {
    tokio::select! {
        () = arrival(SignalKind::terminate()) => {}
        () = arrival(SignalKind::interrupt()) => {}
    }
}

async fn arrival(kind: SignalKind) {
    match listen(kind) {
        Ok(mut signals) => {
            signals.recv().await;
        }
        // Without a handler the signal keeps its default effect: it ends the process.
        Err(error) => {
            tracing::error!(%error, "a signal handler cannot be installed; shutdown will not drain");
            std::future::pending::<()>().await;
        }
    }
}
