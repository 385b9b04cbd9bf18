//! From a topic's feed to one socket: pulls, emits, and waits for the socket, never the other way round.

mod snapshot;

pub(crate) use snapshot::{announce, reset_reason};

use roomcast_proto::registry::Code;

use crate::{
    feed::{Closed, Delivery, Reader},
    socket::{Gone, Outlet},
};

/// Why a topic's deliveries to a socket ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The topic will have no more events.
    Ended,
    /// The right is gone.
    Refused { code: Code, message: String },
    /// The socket is gone.
    Gone,
}

impl From<Gone> for End {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

/// Delivers until the topic, the right or the socket ends.
pub(crate) async fn deliver(mut reader: Reader, outlet: &Outlet) -> End {
    // Looked up once: this is the hottest loop of the edge.
    let deliveries = metrics::counter!("roomcast_edge_deliveries_total");
    loop {
        let delivered = match reader.next().await {
            Delivery::Event(event) => {
                deliveries.increment(1);
                outlet.emit(event.packet()).await
            }
            Delivery::Reset(reset) => {
                metrics::counter!("roomcast_edge_resets_total").increment(1);
                snapshot::reset(outlet, reset.reason, &reset.response).await
            }
            Delivery::Closed(Closed::Ended) => return End::Ended,
            Delivery::Closed(Closed::Refused { code, message }) => {
                return End::Refused { code, message };
            }
        };
        if delivered.is_err() {
            return End::Gone;
        }
    }
}
