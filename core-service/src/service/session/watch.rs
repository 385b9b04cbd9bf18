//! Watching a session.

use super::*;
use crate::service::vigil::Vigil;
use crate::service::watch;
use crate::service::wire::check;

impl Sessions {
    pub(super) async fn watch(
        &self,
        call: Admitted<v1::WatchSessionRequest>,
    ) -> Result<WatchStream, Status> {
        let Admitted { caller, request, thing: found, .. } = call;
        let types = check::types(request.types)?;
        let topic = topic(&found)?;
        let start = frame::start(&request.since, &topic)?;
        let frames = watch::follow(&self.log, topic.clone(), start, types, &self.drain).await?;
        let (log, door) = (self.log.clone(), Arc::clone(&self.door));
        let vigil = Vigil { log, door, caller, topic: Some(topic) };
        Ok(Box::pin(frames.map_frames(watch::session_response, vigil)))
    }
}

pub(super) fn topic(found: &Outline) -> Result<Topic, Status> {
    let session = &found.session;
    Topic::new(&session.tenant, Kind::Session, &session.session_id)
        .map_err(|_| wire_session::session_not_found(&session.session_id))
}
