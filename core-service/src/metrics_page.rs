//! The core's page for operators: `/metrics` as Prometheus text, `/livez` and `/readyz` for supervisors,
//! over plain HTTP, on a listener of its own.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::routing::get;
use roomcast_proto::registry::Code;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::bus::health::{Health, Hearing};
use crate::bus::pulse::Pulse;
use crate::error::code;
use crate::store::{Error, Store};

/// Answers that are on their way when the core ends: they are read from memory.
const LINGER: Duration = Duration::from_millis(500);

/// What readiness is made of.
#[derive(Debug, Clone)]
pub(crate) struct Readiness {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) pulse: Pulse,
    pub(crate) health: Health,
    pub(crate) drain: CancellationToken,
}

impl Readiness {
    /// Whether commits are taken. A database that hangs refuses none for a long time, and answers nothing.
    pub(crate) fn writable(&self) -> Result<(), Error> {
        self.store.writable()?;
        if self.pulse.is_silent(Instant::now()) {
            return Err(Error::Unavailable("it does not answer".into()));
        }
        Ok(())
    }
}

/// Serves until `stop`. The certificate that the core shows is over at `certificate_end`, if it shows one.
pub(crate) async fn serve(
    listener: TcpListener,
    (readiness, certificate_end): (Readiness, Option<f64>),
    stop: CancellationToken,
) {
    let metrics = roomcast_runtime::telemetry::metrics();
    // Its growth wakes somebody: a counter that is first seen at 1 has not grown.
    metrics::counter!("roomcast_observer_panics_total").increment(0);
    if let Some(end) = certificate_end {
        metrics::gauge!("roomcast_certificate_end_seconds", "certificate" => "served").set(end);
    }
    let page = Router::new()
        .route("/metrics", get(move || async move { metrics.render() }))
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .with_state(readiness);
    let serving =
        axum::serve(listener, page).with_graceful_shutdown(stop.clone().cancelled_owned());
    // Who has begun a request and does not end it must not hold up the core.
    let overdue = async {
        stop.cancelled().await;
        tokio::time::sleep(LINGER).await;
    };
    tokio::select! {
        served = serving => {
            if let Err(error) = served {
                tracing::warn!(%error, "the metrics page ended");
            }
        }
        () = overdue => {}
    }
}

/// Whether calls should come here; with `?verbose`, a line for each part, and what to do about it if they
/// should not.
async fn readyz(
    State(readiness): State<Readiness>,
    RawQuery(query): RawQuery,
) -> (StatusCode, String) {
    let parts = Parts {
        store: readiness.writable(),
        bus: readiness.health.hearing(),
        is_draining: readiness.drain.is_cancelled(),
    };
    let refusal = parts.refusal();
    let is_verbose = |query: String| query.split('&').any(|part| part == "verbose");
    let text = if query.is_some_and(is_verbose) { parts.lines() } else { String::new() };
    match refusal {
        None => (StatusCode::OK, text + "ok\n"),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, text + "not ready\n"),
    }
}

/// How each part of a core is.
#[derive(Debug)]
struct Parts {
    store: Result<(), Error>,
    bus: Hearing,
    is_draining: bool,
}

impl Parts {
    /// What callers are refused with. A bus that is down keeps nobody away: delivery goes on without it.
    fn refusal(&self) -> Option<Code> {
        match &self.store {
            _ if self.is_draining => Some(Code::Draining),
            Err(error) => Some(code(error)),
            Ok(()) => None,
        }
    }

    fn lines(&self) -> String {
        let store = self.store.as_ref().err().map_or("ok".to_owned(), Error::to_string);
        let draining = if self.is_draining { "draining" } else { "no" };
        let parts = format!("store: {store}\nbus: {}\ndraining: {draining}\n", self.bus.words());
        match self.refusal() {
            Some(code) => format!("{parts}refusal: {code}\nmend: {}\n", code.entry().mend),
            None => parts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(store: Result<(), Error>, is_draining: bool, refusal: Option<Code>, lines: &str) {
        let parts = Parts { store, bus: Hearing::Down, is_draining };
        assert_eq!((parts.refusal(), parts.lines().as_str()), (refusal, lines));
    }

    #[test]
    fn a_core_that_takes_no_calls_says_which_part_keeps_them_away_and_what_to_do() {
        check(Ok(()), false, None, "store: ok\nbus: down, polling\ndraining: no\n");
        check(
            Err(Error::Full),
            false,
            Some(Code::StorageFull),
            "store: the disk has no room for more events\nbus: down, polling\ndraining: no\n\
             refusal: storage_full\nmend: free space; writing resumes by itself\n",
        );
        check(
            Ok(()),
            true,
            Some(Code::Draining),
            "store: ok\nbus: down, polling\ndraining: draining\n\
             refusal: draining\nmend: connect again; another process takes over\n",
        );
    }
}
