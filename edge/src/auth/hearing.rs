//! Listens to whose rights change. The stream comes back with the last cursor, so that no change is
//! missed; where some may have been, every right is asked for anew. Which connections operators end is heard
//! here as well, whatever edge they asked.

use std::time::Duration;

use roomcast_proto::{
    registry::Code,
    v1::{AccessChanged, WatchAccessRequest, watch_access_response::Frame},
};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{Caller, Rights, rights::HEARD_FOR};
use crate::{
    connections::Connections,
    upstream::{Backoff, Upstream},
};

/// A stream that takes longer to open, or is silent for longer, is given up: there may be a better one.
const SILENCE_MAX: Duration = HEARD_FOR;

/// What was heard last.
#[derive(Debug, Default)]
struct Ear {
    cursor: String,
    rules: String,
    /// Those of this edge.
    connections: Connections,
}

/// Keeps `rights` informed until `shutdown`.
pub(crate) async fn listen(
    (rights, connections): (Rights, Connections),
    upstream: Upstream,
    shutdown: CancellationToken,
) {
    let mut ear = Ear { connections, ..Ear::default() };
    let mut backoff = Backoff::default();
    loop {
        let began = Instant::now();
        let status = tokio::select! {
            status = follow(&mut ear, &rights, &upstream) => status,
            () = shutdown.cancelled() => return,
        };
        let wait = backoff.wait_after(began.elapsed());
        tracing::debug!(
            code = ?status.code(), reason = status.message(), ?wait,
            "the stream of changed rights ended; coming back"
        );
        tokio::select! {
            () = sleep(wait) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// Listens to one stream until it ends.
async fn follow(ear: &mut Ear, rights: &Rights, upstream: &Upstream) -> Status {
    let request = Caller::edge().stream_request(WatchAccessRequest { since: ear.cursor.clone() });
    let mut client = upstream.access();
    let mut stream = match timeout(SILENCE_MAX, client.watch_access(request)).await {
        Ok(Ok(response)) => response.into_inner(),
        Ok(Err(status)) => return status,
        Err(_) => return silence(),
    };
    loop {
        match timeout(SILENCE_MAX, stream.message()).await {
            Ok(Ok(Some(message))) => {
                if let Some(frame) = message.frame {
                    ear.take(frame, rights, upstream);
                }
            }
            Ok(Ok(None)) => return Code::Draining.status("the stream has ended"),
            Ok(Err(status)) => return status,
            Err(_) => return silence(),
        }
    }
}

impl Ear {
    fn take(&mut self, frame: Frame, rights: &Rights, upstream: &Upstream) {
        let (cursor, touched) = match frame {
            Frame::Opened(opened) => {
                let is_whole = opened.resumed && opened.rules == self.rules;
                self.rules = opened.rules;
                // Known before anybody asks: no core may answer by what it knew before.
                upstream.has_heard(&opened.cursor);
                (opened.cursor, if is_whole { 0 } else { rights.touch_all() })
            }
            Frame::Changed(changed) => {
                upstream.has_heard(&changed.cursor);
                let touched = self.heed(&changed, rights);
                (changed.cursor, touched)
            }
            // It alone proves that nothing is missed: a change may have been long on its way.
            Frame::Heartbeat(heartbeat) => {
                rights.hear(Instant::now());
                (heartbeat.cursor, 0)
            }
        };
        self.cursor = cursor;
        metrics::counter!("roomcast_edge_rechecks_total").increment(touched as u64);
    }

    /// Answers how many rights are to be asked for anew.
    fn heed(&self, changed: &AccessChanged, rights: &Rights) -> usize {
        if changed.connection_id.is_empty() {
            return rights.touch(changed);
        }
        // Most often it is another edge's, or has gone by itself.
        let _ = self.connections.disconnect(&changed.tenant, &changed.connection_id);
        0
    }
}

fn silence() -> Status {
    Code::DeadlineExceeded.status("the core is silent")
}
