//! Follows the topic of who may come in, and keeps the door's view of it.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Frame, Start, Subscription};
use crate::auth::Access;
use crate::domain::access::{CHANGED, Change, Entry, Table};
use crate::domain::event::{Body, Event};
use crate::domain::topic::Topic;
use crate::log::{Log, now};
use crate::store::{AccessQuery, Error};

/// Between two tries when the store cannot be read.
const RETRY: Duration = Duration::from_millis(250);
/// Entries read at a time: one short read transaction.
const PAGE: usize = 1000;

/// Keeps `access` until `stop`.
pub async fn follow(log: Log, access: Access, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Err(error) = keep(&log, &access) => {
                tracing::warn!(%error, "who may come in cannot be read; it is tried again");
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(RETRY) => {}
        }
    }
}

async fn keep(log: &Log, access: &Access) -> Result<(), Error> {
    // Subscribe before reading the entries, so that no change falls between.
    let mut subscription =
        Subscription::begin(log.clone(), Topic::access(), Start::Head, Vec::new()).await?;
    access.load(&entries(log).await?, subscription.cursor());
    loop {
        match subscription.next().await? {
            Some(Frame::Events(events)) => {
                for event in &events {
                    access.hear(&change(event)?, event.cursor, now());
                }
            }
            // Events are missed: the entries themselves tell.
            Some(Frame::Reset(_, at)) => access.load(&entries(log).await?, at),
            Some(
                Frame::Snapshot(_) | Frame::CaughtUp(_) | Frame::Heartbeat(_) | Frame::Ended(_),
            )
            | None => {}
        }
    }
}

/// The change that an event of the topic tells of.
///
/// # Errors
/// When it cannot be read.
pub fn change(event: &Event) -> Result<Change, Error> {
    let damaged = || Error::Damaged(format!("{} is no change of who may come in", event.id()));
    match &event.body {
        Body::Payload(payload) if *event.kind == *CHANGED => {
            serde_json::from_slice(&payload.data).map_err(|_| damaged())
        }
        Body::Payload(_) | Body::Job(_) | Body::Summary(_) | Body::Session(_) => Err(damaged()),
    }
}

/// Everything that the door must know, of all tenants.
async fn entries(log: &Log) -> Result<Vec<Entry>, Error> {
    let mut all = Vec::new();
    for table in [Table::Revocation, Table::User] {
        let mut query = AccessQuery { table, tenant: None, name: None, after: None, limit: PAGE };
        loop {
            let page = log.store().access(query.clone()).await?;
            query.after = page.last().map(|last| {
                let key = last.key();
                (key.tenant, key.name)
            });
            let is_last = page.len() < PAGE;
            all.extend(page);
            if is_last {
                break;
            }
        }
    }
    Ok(all)
}
