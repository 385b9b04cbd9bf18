//! An adapter like the default one that also lends itself, so that packets which are encoded already
//! can be written.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use socketioxide::adapter::Emitter;
use socketioxide_core::{
    adapter::{BroadcastOptions, CoreAdapter, CoreLocalAdapter, DefinedAdapter, SocketEmitter},
    packet::Packet,
};

/// Where the adapters of all namespaces are found. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Adapters(Arc<Mutex<HashMap<String, Arc<RawAdapter>>>>);

/// The adapter of one namespace.
pub struct RawAdapter {
    local: CoreLocalAdapter<Emitter>,
    all: Adapters,
}

impl Adapters {
    /// The adapter of a namespace, once that exists.
    #[must_use]
    pub fn get(&self, namespace: &str) -> Option<Arc<RawAdapter>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(namespace).cloned()
    }
}

impl std::fmt::Debug for RawAdapter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("RawAdapter").finish_non_exhaustive()
    }
}

impl CoreAdapter<Emitter> for RawAdapter {
    type Error = Infallible;
    type State = Adapters;
    type AckStream = <Emitter as SocketEmitter>::AckStream;
    type InitRes = ();

    fn new(all: &Adapters, local: CoreLocalAdapter<Emitter>) -> Self {
        Self { local, all: all.clone() }
    }

    fn init(self: Arc<Self>, on_success: impl FnOnce() + Send + 'static) {
        let namespace = self.local.path().to_string();
        let mut all = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(namespace, Arc::clone(&self));
        drop(all);
        on_success();
    }

    async fn broadcast_with_ack(
        &self,
        packet: Packet,
        options: BroadcastOptions,
        timeout: Option<Duration>,
    ) -> Result<Self::AckStream, Self::Error> {
        Ok(self.local.broadcast_with_ack(packet, options, timeout).0)
    }

    fn get_local(&self) -> &CoreLocalAdapter<Emitter> {
        &self.local
    }
}

impl DefinedAdapter for RawAdapter {}
