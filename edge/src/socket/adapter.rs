//! An adapter like the default one that also lends itself, so that packets which are encoded already
//! can be written.

use std::{
    convert::Infallible,
    sync::{Arc, OnceLock},
    time::Duration,
};

use socketioxide::adapter::Emitter;
use socketioxide_core::{
    adapter::{BroadcastOptions, CoreAdapter, CoreLocalAdapter, DefinedAdapter, SocketEmitter},
    packet::Packet,
};

/// Where the adapter of namespace `/` is found once it exists.
pub(super) type Slot = Arc<OnceLock<Arc<RawAdapter>>>;

/// The adapter.
pub(super) struct RawAdapter {
    local: CoreLocalAdapter<Emitter>,
    slot: Slot,
}

impl std::fmt::Debug for RawAdapter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("RawAdapter").finish_non_exhaustive()
    }
}

impl CoreAdapter<Emitter> for RawAdapter {
    type Error = Infallible;
    type State = Slot;
    type AckStream = <Emitter as SocketEmitter>::AckStream;
    type InitRes = ();

    fn new(slot: &Slot, local: CoreLocalAdapter<Emitter>) -> Self {
        Self { local, slot: Arc::clone(slot) }
    }

    fn init(self: Arc<Self>, on_success: impl FnOnce() + Send + 'static) {
        // There is one namespace, so the slot is empty.
        let _ = self.slot.set(Arc::clone(&self));
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
