//! What every edge hears: whose rights may have changed. The changes are events of a topic, so an edge
//! that comes back with its cursor misses none.

use std::sync::Arc;
use std::time::Duration;

use roomcast_proto::v1::{self, watch_access_response::Frame as Told};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::auth::Door;
use crate::domain::access::Touched;
use crate::domain::cursor::Cursor;
use crate::domain::topic::Topic;
use crate::error::status;
use crate::log::Log;
use crate::service::wire;
use crate::store::Error;
use crate::subscription::access::change;
use crate::subscription::{Frame, Start, Subscription};

/// A frame comes at least this often: an edge that hears none for five seconds stops delivering.
const HEARTBEAT: Duration = Duration::from_secs(1);
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
            told = tell(subscription, (&log, &door), resumed, &sender) => {
                if let Err(error) = told {
                    // Nobody is left to tell when the edge is gone.
                    let _ = sender.send(Err(status(error))).await;
                }
            }
        }
    });
    Ok(ReceiverStream::new(receiver))
}

/// Tells until the edge has gone.
async fn tell(
    mut subscription: Subscription,
    (log, door): (&Log, &Door),
    resumed: bool,
    sender: &Sender,
) -> Result<(), Error> {
    let topic = Topic::access();
    let opened = |cursor: Cursor, resumed| {
        Told::Opened(v1::AccessOpened {
            cursor: cursor.token(&topic),
            resumed,
            rules: door.rules(),
            heartbeat_interval: Some(wire::duration(HEARTBEAT)),
        })
    };
    let mut frames = vec![opened(subscription.cursor(), resumed)];
    loop {
        for frame in frames.drain(..) {
            let frame = v1::WatchAccessResponse { frame: Some(frame) };
            if sender.send(Ok(frame)).await.is_err() {
                return Ok(());
            }
        }
        let next = tokio::time::timeout(HEARTBEAT, subscription.next()).await;
        match next.unwrap_or(Ok(Some(Frame::Heartbeat(subscription.cursor()))))? {
            Some(Frame::Events(events)) => {
                for event in &events {
                    // An edge asks anew as soon as it hears, and must not be answered by what was.
                    door.access().reached(event.cursor.offset).await;
                    if let Some(touched) = change(event)?.touched {
                        let cursor = event.cursor.token(&topic);
                        frames.push(Told::Changed(changed(touched, cursor)));
                    }
                }
            }
            Some(Frame::Reset(_, at)) => frames.push(opened(at, false)),
            // A core that may have missed a change says nothing: an edge that hears nothing stops.
            Some(Frame::Heartbeat(_) | Frame::CaughtUp(_)) if !log.is_fresh() => {}
            Some(Frame::Heartbeat(at) | Frame::CaughtUp(at)) => {
                let cursor = at.token(&topic);
                frames.push(Told::Heartbeat(v1::AccessHeartbeat { cursor }));
            }
            Some(Frame::Snapshot(_) | Frame::Ended(_)) | None => {}
        }
    }
}

fn changed(touched: Touched, cursor: String) -> v1::AccessChanged {
    let Touched { tenant, subject, token_id, topic } = touched;
    v1::AccessChanged { cursor, tenant, subject, token_id, topic }
}
