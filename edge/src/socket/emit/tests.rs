//! A socket for tests of what is done, whatever is told.

use axum::Router;

use super::*;
use crate::socket::{Adapters, Timing, builder};

impl Outlet {
    /// The way to nobody: whatever is written is taken.
    pub(in crate::socket) fn to_nobody() -> Self {
        let (adapters, namespace) = (Adapters::default(), Namespace::Root);
        let server = builder(Timing::default(), adapters.clone());
        let (_, io) = server.build_with_inner_svc(Router::<()>::new());
        io.ns(namespace.name(), async || {});
        let adapter = adapters.get(namespace.name()).unwrap();
        Self::new(adapter, (namespace, Sid::new()), None, Transports::default())
    }
}
