//! From a topic's feed to one socket: pulls, emits, and waits for the socket, never the other way round.

mod snapshot;

pub(crate) use snapshot::{Standpoint, tell_values};

use std::sync::Arc;

use metrics::Counter;
use roomcast_proto::registry::Code;
use tokio::{sync::Notify, time::Instant};

use super::emit::{Gone, Outlet};
use crate::feed::{Closed, Delivery, Position, Reader, Reset, catch_up_counter};

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

impl From<Closed> for End {
    fn from(closed: Closed) -> Self {
        match closed {
            Closed::Ended => Self::Ended,
            Closed::Refused { code, message } => Self::Refused { code, message },
        }
    }
}

/// One topic's deliveries to one socket.
#[derive(Debug)]
pub(crate) struct Deliveries {
    reader: Reader,
}

impl Deliveries {
    /// What a reader gives goes to the socket. `wake` is told when one that caught up is to go on.
    pub(crate) fn new(reader: Reader, outlet: &Outlet, wake: Arc<Notify>) -> Self {
        Self { reader: reader.waking(outlet.sink(), wake) }
    }

    /// Delivers until the topic, the right or the socket ends. While the reader is live its events go past
    /// this loop, straight into the socket's lane.
    pub(crate) async fn run(&mut self, outlet: &Outlet) -> End {
        // Looked up once: a replay goes through here event by event.
        let caught = catch_up_counter();
        loop {
            let delivery = self.reader.next().await;
            if let Err(end) = self.pass_on(delivery, outlet, &caught).await {
                return end;
            }
        }
    }

    /// Delivers all that there is. What arrives afterwards goes to the socket by itself, until
    /// [`Deliveries::is_behind`].
    pub(crate) async fn catch_up(&mut self, outlet: &Outlet) -> Result<(), End> {
        let caught = catch_up_counter();
        while let Some(delivery) = self.reader.catch_up().await {
            self.pass_on(delivery, outlet, &caught).await?;
        }
        Ok(())
    }

    /// Whether what caught up is to catch up again.
    pub(crate) fn is_behind(&self) -> bool {
        self.reader.is_behind()
    }

    /// When its right is to be asked for again.
    pub(crate) fn renew_at(&self) -> Instant {
        self.reader.renew_at()
    }

    /// Ends it. Answers the last event that the socket has got.
    pub(crate) fn halt(mut self) -> Position {
        self.reader.halt()
    }

    /// Nothing is awaited between an event's going out and the asking for the next: one that is on its way
    /// when this is dropped waits for room, and has not gone out.
    async fn pass_on(
        &self,
        delivery: Delivery,
        outlet: &Outlet,
        caught: &Counter,
    ) -> Result<(), End> {
        match delivery {
            Delivery::Event(event) => {
                outlet.emit(self.reader.topic(), &event).await?;
                caught.increment(1);
            }
            Delivery::Reset(reset) => {
                metrics::counter!("roomcast_edge_resets_total").increment(1);
                start_again(outlet, &reset).await?;
            }
            Delivery::Closed(closed) => return Err(closed.into()),
        }
        Ok(())
    }
}

async fn start_again(outlet: &Outlet, reset: &Reset) -> Result<(), Gone> {
    let response = &reset.response;
    Standpoint { response, state: reset.state.as_deref() }.reset(outlet, reset.reason).await?;
    outlet.tell_place(&response.topic, &response.cursor).await
}
