//! From a topic's feed to one socket: pulls, emits, and waits for the socket, never the other way round.

mod snapshot;

pub(crate) use snapshot::{Standpoint, reset_reason};

use roomcast_proto::registry::Code;

use crate::{
    feed::{Closed, Delivery, Reader, Reset},
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

/// Delivers until the topic, the right or the socket ends. While the reader is live its events go past
/// this loop, straight into the socket's lane.
pub(crate) async fn deliver(reader: Reader, outlet: &Outlet) -> End {
    let mut reader = reader.with_sink(outlet.sink());
    // Looked up once: a replay goes through here event by event.
    let deliveries = metrics::counter!("roomcast_edge_deliveries_total", "path" => "catch_up");
    loop {
        let delivered = match reader.next().await {
            Delivery::Event(event) => {
                deliveries.increment(1);
                outlet.emit(reader.topic(), &event).await
            }
            Delivery::Reset(reset) => {
                metrics::counter!("roomcast_edge_resets_total").increment(1);
                start_again(outlet, &reset).await
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

async fn start_again(outlet: &Outlet, reset: &Reset) -> Result<(), Gone> {
    let response = &reset.response;
    Standpoint { response, state: reset.state.as_deref() }.reset(outlet, reset.reason).await?;
    outlet.tell_place(&response.topic, &response.cursor).await
}
