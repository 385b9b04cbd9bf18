//! What a task does for one topic of one socket.

use std::sync::Arc;

use roomcast_proto::registry::Code;
use tokio::{sync::Notify, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    feed::{Feeds, Guest, Position},
    socket::{
        delivery::{Deliveries, End, tell_values},
        emit::Outlet,
    },
    upstream::{Backoff, is_refusal},
};

#[derive(Debug)]
pub(super) enum Work {
    /// Deliver, until there is an end.
    Deliver(Box<Deliveries>),
    /// Deliver what there is.
    CatchUp(Box<Deliveries>),
    /// Find out where a room stands, and deliver what there is.
    Enter(Box<Entering>),
}

/// A guest on the way in.
#[derive(Debug)]
pub(in crate::socket) struct Entering {
    pub(in crate::socket) feeds: Feeds,
    pub(in crate::socket) guest: Guest,
    /// Told when what has caught up falls behind.
    pub(in crate::socket) wake: Arc<Notify>,
}

/// What became of it.
#[derive(Debug)]
pub(super) enum Worked {
    /// It was cancelled when the socket had got this; none where it had not begun.
    Cancelled(Option<Position>),
    /// It has caught up.
    CaughtUp(Box<Deliveries>),
    /// It came to an end.
    Ended(End),
}

impl Work {
    pub(super) async fn done(self, outlet: &Outlet, cancel: &CancellationToken) -> Worked {
        let (mut deliveries, is_endless) = match self {
            Self::Deliver(deliveries) => (deliveries, true),
            Self::CatchUp(deliveries) => (deliveries, false),
            Self::Enter(entering) => tokio::select! {
                biased;
                () = cancel.cancelled() => return Worked::Cancelled(None),
                entered = Box::pin(entering.enter(outlet)) => match entered {
                    Ok(deliveries) => (deliveries, false),
                    Err(end) => return Worked::Ended(end),
                },
            },
        };
        let delivered = async {
            if is_endless {
                Err(deliveries.run(outlet).await)
            } else {
                deliveries.catch_up(outlet).await
            }
        };
        let outcome = tokio::select! {
            // Looked at first: after a leave nothing more is emitted.
            biased;
            () = cancel.cancelled() => None,
            outcome = delivered => Some(outcome),
        };
        match outcome {
            None => Worked::Cancelled(Some(deliveries.halt())),
            Some(Ok(())) => Worked::CaughtUp(deliveries),
            Some(Err(end)) => Worked::Ended(end),
        }
    }
}

impl Entering {
    pub(in crate::socket) async fn enter(self, outlet: &Outlet) -> Result<Box<Deliveries>, End> {
        let Self { feeds, guest, wake } = self;
        let mut backoff = Backoff::default();
        let glance = loop {
            match feeds.glance(&guest).await {
                Ok(glance) => break glance,
                Err(status) if is_refusal(&status) => return Err(refused(&status)),
                Err(_) => sleep(backoff.wait()).await,
            }
        };
        let is_new = guest.since.is_none();
        let mut reader = feeds.visit(guest, &glance).map_err(|status| refused(&status))?;
        // It may have taken long to find out where the room stands.
        if let Some(closed) = reader.make_sure().await {
            return Err(closed.into());
        }
        let topic = reader.topic().to_owned();
        if is_new {
            outlet.place(&topic, None);
            tell_values(outlet, &topic, glance.values()).await?;
        }
        outlet.tell_place(&topic, reader.cursor()).await?;
        Ok(Box::new(Deliveries::new(reader, outlet, wake)))
    }
}

fn refused(status: &tonic::Status) -> End {
    End::Refused { code: Code::of(status), message: status.message().to_owned() }
}
