//! The plain server-streams: one topic, the same frames everywhere.

use std::future::ready;

use futures::{StreamExt as _, stream};
use roomcast_proto::v1;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::vigil::{Loss, Vigil};
use super::wire::{self, frame};
use crate::domain::topic::Topic;
use crate::error::status;
use crate::log::Log;
use crate::snapshot;
use crate::subscription::{Frame, Start, Subscription};

/// Frames on their way to one watcher. Small: gRPC's own window holds more, and what waits here is
/// only as old as the watcher is slow.
const FRAMES_MAX: usize = 16;

/// A frame for one watcher, before it takes the shape of its RPC.
#[derive(Debug)]
pub(super) enum Told {
    Frame(Frame),
    Draining,
}

/// The frames of one topic, as they come.
pub(super) struct Frames {
    topic: Topic,
    told: ReceiverStream<Result<Told, Status>>,
}

/// Follows a topic until it ends, the watcher goes, or the core drains.
pub(super) async fn follow(
    log: &Log,
    topic: Topic,
    start: Start,
    types: Vec<String>,
    drain: &CancellationToken,
) -> Result<Frames, Status> {
    let subscription = Subscription::begin(log.clone(), topic.clone(), start, types).await;
    let subscription = subscription.map_err(status)?;
    let (sender, receiver) = mpsc::channel(FRAMES_MAX);
    tokio::spawn(pump(subscription, sender, drain.clone()));
    Ok(Frames { topic, told: ReceiverStream::new(receiver) })
}

async fn pump(
    mut subscription: Subscription,
    sender: mpsc::Sender<Result<Told, Status>>,
    drain: CancellationToken,
) {
    loop {
        let told = tokio::select! {
            biased;
            () = sender.closed() => return,
            () = drain.cancelled() => Ok(Told::Draining),
            frame = subscription.next() => match frame {
                Ok(Some(frame)) => Ok(Told::Frame(frame)),
                Ok(None) => return,
                Err(error) => Err(status(error)),
            },
        };
        let is_last = matches!(told, Ok(Told::Draining) | Err(_));
        if sender.send(told).await.is_err() || is_last {
            return;
        }
    }
}

impl Frames {
    /// The stream of an RPC, whose response `shape` makes of one frame. It ends early, and says why, when
    /// its caller may not follow any more.
    pub(super) fn map_frames<T: Send + 'static>(
        self,
        shape: fn(Wire) -> T,
        vigil: Vigil,
    ) -> impl Stream<Item = Result<T, Status>> + Send {
        let (say, lost) = oneshot::channel();
        let until = async move {
            // Nobody listens where the stream has ended by itself.
            let _ = say.send(vigil.lost().await);
        };
        let end = stream::once(lost).filter_map(move |loss| {
            ready(loss.ok().map(|loss| match loss {
                Loss::Right => Ok(shape(Wire::Closed(revoked()))),
                Loss::Caller(status) => Err(status),
            }))
        });
        self.shaped(shape).take_until(until).chain(end)
    }

    fn shaped<T: Send + 'static>(
        self,
        shape: fn(Wire) -> T,
    ) -> impl Stream<Item = Result<T, Status>> + Send {
        let Frames { topic, told } = self;
        told.flat_map(move |told| {
            stream::iter(match told {
                Ok(told) => {
                    wire_frames(told, &topic).into_iter().map(|wire| Ok(shape(wire))).collect()
                }
                Err(status) => vec![Err(status)],
            })
        })
    }
}

fn revoked() -> v1::Closed {
    v1::Closed { reason: v1::CloseReason::Revoked.into(), cursor: String::new() }
}

/// A frame in the contract's messages.
pub(super) enum Wire {
    Snapshot(Box<v1::TopicSnapshot>),
    Event(Box<v1::Event>),
    CaughtUp(v1::CaughtUp),
    Heartbeat(v1::Heartbeat),
    Reset(v1::Reset),
    Closed(v1::Closed),
}

fn wire_frames(told: Told, topic: &Topic) -> Vec<Wire> {
    let frame = match told {
        Told::Draining => {
            let reason = v1::CloseReason::Draining.into();
            return vec![Wire::Closed(v1::Closed { reason, cursor: String::new() })];
        }
        Told::Frame(frame) => frame,
    };
    match frame {
        Frame::Snapshot(snapshot) => {
            vec![Wire::Snapshot(Box::new(frame::topic_snapshot(&snapshot, topic)))]
        }
        Frame::Events(events) => {
            events.iter().map(|event| Wire::Event(Box::new(wire::event::event(event)))).collect()
        }
        Frame::CaughtUp(at) => vec![Wire::CaughtUp(v1::CaughtUp { cursor: at.token(topic) })],
        Frame::Heartbeat(at) => vec![Wire::Heartbeat(v1::Heartbeat { cursor: at.token(topic) })],
        Frame::Reset(reason, at) => vec![Wire::Reset(frame::reset(reason, at, topic))],
        Frame::Ended(at) => {
            vec![Wire::Closed(frame::closed(v1::CloseReason::Ended, at, topic))]
        }
    }
}

pub(super) fn job_response(wire: Wire) -> v1::WatchJobResponse {
    use v1::watch_job_response::Frame as Out;
    let frame = match wire {
        Wire::Snapshot(snapshot) => match snapshot.state {
            Some(v1::topic_snapshot::State::Job(job)) => Some(Out::Snapshot(job)),
            Some(_) | None => None,
        },
        Wire::Event(event) => Some(Out::Event(*event)),
        Wire::CaughtUp(caught_up) => Some(Out::CaughtUp(caught_up)),
        Wire::Heartbeat(heartbeat) => Some(Out::Heartbeat(heartbeat)),
        Wire::Reset(reset) => Some(Out::Reset(reset)),
        Wire::Closed(closed) => Some(Out::Closed(closed)),
    };
    v1::WatchJobResponse { frame }
}

pub(super) fn session_response(wire: Wire) -> v1::WatchSessionResponse {
    use v1::watch_session_response::Frame as Out;
    let frame = match wire {
        Wire::Snapshot(snapshot) => match snapshot.state {
            Some(v1::topic_snapshot::State::Session(session)) => Some(Out::Snapshot(session)),
            Some(_) | None => None,
        },
        Wire::Event(event) => Some(Out::Event(*event)),
        Wire::CaughtUp(caught_up) => Some(Out::CaughtUp(caught_up)),
        Wire::Heartbeat(heartbeat) => Some(Out::Heartbeat(heartbeat)),
        Wire::Reset(reset) => Some(Out::Reset(reset)),
        Wire::Closed(closed) => Some(Out::Closed(closed)),
    };
    v1::WatchSessionResponse { frame }
}

pub(super) fn topic_response(wire: Wire) -> v1::WatchTopicResponse {
    use v1::watch_topic_response::Frame as Out;
    let frame = match wire {
        Wire::Snapshot(snapshot) => Out::Snapshot(*snapshot),
        Wire::Event(event) => Out::Event(*event),
        Wire::CaughtUp(caught_up) => Out::CaughtUp(caught_up),
        Wire::Heartbeat(heartbeat) => Out::Heartbeat(heartbeat),
        Wire::Reset(reset) => Out::Reset(reset),
        Wire::Closed(closed) => Out::Closed(closed),
    };
    v1::WatchTopicResponse { frame: Some(frame) }
}

/// Tells whether a topic's reader may go on from where it was, for a join.
pub(super) async fn resume(
    log: &Log,
    topic: &Topic,
    start: Start,
) -> Result<(Option<crate::domain::cursor::Resume>, crate::store::Position), Status> {
    let cursor = match start {
        Start::After(cursor) => Some(cursor),
        Start::Snapshot | Start::Reset(_) | Start::Head => None,
    };
    let position = log.store().position(topic, cursor).await.map_err(status)?;
    let resume = match start {
        Start::Reset(reason) => Some(reason),
        Start::After(_) | Start::Snapshot | Start::Head => position.resume,
    };
    Ok((resume, position))
}

/// A topic's state for a join.
pub(super) async fn snapshot(log: &Log, topic: &Topic) -> Result<snapshot::Snapshot, Status> {
    log.snapshot(topic).await.map_err(status)
}
