//! Watching a session, as long as there is a right to it.

use std::sync::atomic::{AtomicBool, Ordering};

use futures::StreamExt as _;
use roomcast_proto::registry::Code;

use super::*;
use crate::service::watch;

/// Between two tries when the store cannot be read.
const RETRY: std::time::Duration = std::time::Duration::from_millis(250);

impl Sessions {
    pub(super) async fn watch(
        &self,
        caller: &Caller,
        request: v1::WatchSessionRequest,
    ) -> Result<WatchStream, Status> {
        if request.types.len() > limits::LABELS_MAX {
            return Err(invalid("types", "at most 32"));
        }
        let found = self.find(caller, &request.session_id, Role::Viewer).await?;
        let topic = topic(&found)?;
        let start = frame::start(&request.since, &topic)?;
        let frames = watch::follow(&self.log, topic, start, request.types, &self.drain).await?;
        let is_lost = Arc::new(AtomicBool::new(false));
        let lost = lost(self.log.clone(), caller.clone(), request.session_id, is_lost.clone());
        let frames = frames.map_frames(watch::session_response).take_until(lost);
        let end = futures::stream::once(async move { is_lost.load(Ordering::Relaxed) });
        let end = end.filter_map(async |is_lost| is_lost.then(revoked));
        Ok(Box::pin(frames.chain(end)))
    }
}

pub(super) fn topic(found: &Outline) -> Result<Topic, Status> {
    let session = &found.session;
    Topic::new(&session.tenant, Kind::Session, &session.session_id)
        .map_err(|_| wire_session::session_not_found(&session.session_id))
}

fn revoked() -> Result<v1::WatchSessionResponse, Status> {
    let reason = v1::CloseReason::Revoked.into();
    let closed = v1::Closed { reason, cursor: String::new() };
    Ok(v1::WatchSessionResponse { frame: Some(v1::watch_session_response::Frame::Closed(closed)) })
}

/// Ends once the caller has lost the right to look: asked anew whenever rights have changed.
async fn lost(log: Log, caller: Caller, session_id: String, is_lost: Arc<AtomicBool>) {
    let mut changes = log.attach(&Topic::access());
    loop {
        // Before asking, so that no change falls between. Not from the store: with every change all streams
        // would ask at once, and the pulse of rights wait behind them.
        let head = changes.head();
        match membership::session(&log, &caller, &session_id, Role::Viewer).await {
            Err(error) if Code::of(&error) == Code::SessionNotFound => {
                is_lost.store(true, Ordering::Relaxed);
                return;
            }
            Ok(_) => changes.wait(head).await,
            Err(_) => tokio::time::sleep(RETRY).await,
        }
    }
}
