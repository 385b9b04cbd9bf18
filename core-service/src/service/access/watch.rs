//! What every edge hears: whose rights may have changed. The changes are events of a topic, so an edge
//! that comes back with its cursor misses none.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use roomcast_proto::v1::{self, watch_access_response::Frame as Told};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::auth::Door;
use crate::bus::pulse::{self, Beat};
use crate::domain::access::Touched;
use crate::domain::cursor::Cursor;
use crate::domain::topic::Topic;
use crate::error::status;
use crate::log::Log;
use crate::service::wire;
use crate::store::Error;
use crate::subscription::access::change;
use crate::subscription::{Frame, Start, Subscription};

/// Frames on their way to one edge.
const FRAMES_MAX: usize = 64;

type Frames = ReceiverStream<Result<v1::WatchAccessResponse, Status>>;
type Sender = mpsc::Sender<Result<v1::WatchAccessResponse, Status>>;

/// Opens an edge's stream.
pub(super) async fn open(
    log: &Log,
    door: &Arc<Door>,
    since: &str,
    drain: CancellationToken,
) -> Result<Frames, Status> {
    let topic = Topic::access();
    // What is no cursor of this topic is as good as none: the edge asks for every right anew.
    let start = match Cursor::parse(since, &topic) {
        Ok(cursor) => Start::After(cursor),
        Err(_) => Start::Head,
    };
    let subscription = Subscription::begin(log.clone(), topic, start, Vec::new()).await;
    let subscription = subscription.map_err(status)?;
    let (sender, receiver) = mpsc::channel(FRAMES_MAX);
    let resumed = match start {
        Start::After(cursor) => subscription.cursor() == cursor,
        Start::Snapshot | Start::Reset(_) | Start::Head => false,
    };
    let (log, door) = (log.clone(), Arc::clone(door));
    tokio::spawn(async move {
        tokio::select! {
            () = drain.cancelled() => {}
            Err(end) = tell(subscription, (&log, &door), resumed, &sender) => {
                if let End::Broken(error) = end {
                    // Nobody is left to tell when the edge is gone.
                    let _ = sender.send(Err(status(error))).await;
                }
            }
        }
    });
    Ok(ReceiverStream::new(receiver))
}

/// Why telling ends.
enum End {
    /// The edge has gone.
    Gone,
    Broken(Error),
}

impl From<Error> for End {
    fn from(error: Error) -> End {
        End::Broken(error)
    }
}

/// Tells until the edge has gone.
async fn tell(
    mut subscription: Subscription,
    (log, door): (&Log, &Door),
    resumed: bool,
    sender: &Sender,
) -> Result<Infallible, End> {
    let topic = Topic::access();
    let mut beats = log.beats();
    // What the edge was told of, which the subscription may be ahead of, and since when it was there.
    let mut told = (subscription.cursor(), Instant::now());
    // A beat that came before a change that it is about: where changes never rest, most do.
    let mut owed: Option<Beat> = None;
    say(sender, opened(door, told.0, resumed)).await?;
    loop {
        let mut next = pin!(subscription.next());
        let next = loop {
            tokio::select! {
                next = &mut next => break next?,
                beat = beats.next() => {
                    // A core that may have missed a change says nothing: an edge that hears nothing stops.
                    if beat.vouches_for(told, Instant::now()) {
                        say(sender, heartbeat(told.0)).await?;
                    } else {
                        owed = Some(beat);
                    }
                }
            }
        };
        let heard = Instant::now();
        match next {
            Some(Frame::Events(events)) => {
                for event in &events {
                    // An edge asks anew as soon as it hears, and must not be answered by what was.
                    door.access().reached(event.cursor.offset).await;
                    told = (event.cursor, heard);
                    if let Some(touched) = change(event)?.touched {
                        say(sender, changed(touched, event.cursor.token(&topic))).await?;
                    }
                    if owed.take_if(|beat| beat.is_kept_for(told.0, Instant::now())).is_some() {
                        say(sender, heartbeat(told.0)).await?;
                    }
                }
            }
            Some(Frame::Reset(_, at)) => {
                told = (at, heard);
                say(sender, opened(door, at, false)).await?;
            }
            Some(
                Frame::Heartbeat(_) | Frame::CaughtUp(_) | Frame::Snapshot(_) | Frame::Ended(_),
            )
            | None => {}
        }
    }
}

async fn say(sender: &Sender, frame: Told) -> Result<(), End> {
    let frame = v1::WatchAccessResponse { frame: Some(frame) };
    sender.send(Ok(frame)).await.map_err(|_| End::Gone)
}

fn opened(door: &Door, at: Cursor, resumed: bool) -> Told {
    Told::Opened(v1::AccessOpened {
        cursor: at.token(&Topic::access()),
        resumed,
        rules: door.rules(),
        heartbeat_interval: Some(wire::duration(pulse::INTERVAL)),
    })
}

fn heartbeat(at: Cursor) -> Told {
    Told::Heartbeat(v1::AccessHeartbeat { cursor: at.token(&Topic::access()) })
}

fn changed(touched: Touched, cursor: String) -> Told {
    let Touched { tenant, subject, token_id, topic, connection_id } = touched;
    let changed = v1::AccessChanged { cursor, tenant, subject, token_id, topic, connection_id };
    Told::Changed(changed)
}

#[cfg(test)]
mod tests;
