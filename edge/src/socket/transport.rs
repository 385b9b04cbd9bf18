//! Which TCP connection carries a socket that began with polling and was upgraded.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use axum::extract::Request;
use http::header;
use socketioxide_core::Sid;

use crate::listener::Control;

/// Entries of connections that are gone are swept when so many were added since.
const SWEEP_EVERY: usize = 1024;

/// Connections by Engine.IO session. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Transports(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    upgraded: HashMap<Sid, Weak<Control>>,
    added: usize,
}

impl Transports {
    /// Remembers the connection of a request that upgrades an existing session.
    pub(super) fn note_upgrade(&self, request: &Request) {
        if !request.headers().contains_key(header::UPGRADE) {
            return;
        }
        let sid = request.uri().query().and_then(sid);
        let control = request.extensions().get::<Arc<Control>>();
        if let (Some(sid), Some(control)) = (sid, control) {
            let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            table.added += 1;
            if table.added >= SWEEP_EVERY {
                table.added = 0;
                table.upgraded.retain(|_, control| control.strong_count() > 0);
            }
            table.upgraded.insert(sid, Arc::downgrade(control));
        }
    }

    /// The upgraded connection of a session that is over.
    pub(super) fn take(&self, sid: Sid) -> Option<Arc<Control>> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.upgraded.remove(&sid)?.upgrade()
    }
}

fn sid(query: &str) -> Option<Sid> {
    query.split('&').find_map(|pair| pair.strip_prefix("sid="))?.parse().ok()
}
