//! What `WatchJob`, `WatchSession` and `WatchTopic` say, in one shape.

use roomcast_proto::v1::{
    Closed, Event, Job, Reset, SessionSnapshot, TopicSnapshot, WatchJobResponse,
    WatchSessionResponse, WatchTopicResponse, watch_job_response as job,
    watch_session_response as session, watch_topic_response as topic,
};

/// One frame of a followed topic.
#[derive(Debug)]
pub(crate) enum Frame {
    /// The state; what follows builds on it.
    Snapshot(Box<Snapshot>),
    /// The next event.
    Event(Box<Event>),
    /// All that was there has been delivered.
    CaughtUp { cursor: String },
    /// Nothing new.
    Heartbeat { cursor: String },
    /// Events are missed for good.
    Reset(Reset),
    /// The end of this stream.
    Closed(Closed),
    /// A frame that this version does not know.
    Unknown,
}

/// The state that a stream begins with.
#[derive(Debug)]
pub(crate) enum Snapshot {
    /// Of a watched job.
    Job(Job),
    /// Of a watched session.
    Session(SessionSnapshot),
    /// Of a watched topic.
    Topic(TopicSnapshot),
}

impl Frame {
    /// Where the reader stands after it. A reset leaves nowhere: only its snapshot is a place to go
    /// on from.
    pub(crate) fn cursor(&self) -> Option<&str> {
        match self {
            Frame::Snapshot(snapshot) => match &**snapshot {
                Snapshot::Job(job) => Some(&job.cursor),
                Snapshot::Session(snapshot) => {
                    snapshot.session.as_ref().map(|session| session.cursor.as_str())
                }
                Snapshot::Topic(topic) => Some(&topic.cursor),
            },
            Frame::Event(event) => Some(&event.cursor),
            Frame::CaughtUp { cursor } | Frame::Heartbeat { cursor } => Some(cursor),
            Frame::Reset(_) => Some(""),
            Frame::Closed(_) | Frame::Unknown => None,
        }
    }
}

impl From<WatchJobResponse> for Frame {
    fn from(response: WatchJobResponse) -> Self {
        match response.frame {
            Some(job::Frame::Snapshot(job)) => Frame::Snapshot(Box::new(Snapshot::Job(job))),
            Some(job::Frame::Event(event)) => Frame::Event(Box::new(event)),
            Some(job::Frame::CaughtUp(at)) => Frame::CaughtUp { cursor: at.cursor },
            Some(job::Frame::Heartbeat(at)) => Frame::Heartbeat { cursor: at.cursor },
            Some(job::Frame::Reset(reset)) => Frame::Reset(reset),
            Some(job::Frame::Closed(closed)) => Frame::Closed(closed),
            None => Frame::Unknown,
        }
    }
}

impl From<WatchSessionResponse> for Frame {
    fn from(response: WatchSessionResponse) -> Self {
        match response.frame {
            Some(session::Frame::Snapshot(snapshot)) => {
                Frame::Snapshot(Box::new(Snapshot::Session(snapshot)))
            }
            Some(session::Frame::Event(event)) => Frame::Event(Box::new(event)),
            Some(session::Frame::CaughtUp(at)) => Frame::CaughtUp { cursor: at.cursor },
            Some(session::Frame::Heartbeat(at)) => Frame::Heartbeat { cursor: at.cursor },
            Some(session::Frame::Reset(reset)) => Frame::Reset(reset),
            Some(session::Frame::Closed(closed)) => Frame::Closed(closed),
            None => Frame::Unknown,
        }
    }
}

impl From<WatchTopicResponse> for Frame {
    fn from(response: WatchTopicResponse) -> Self {
        match response.frame {
            Some(topic::Frame::Snapshot(topic)) => {
                Frame::Snapshot(Box::new(Snapshot::Topic(topic)))
            }
            Some(topic::Frame::Event(event)) => Frame::Event(Box::new(event)),
            Some(topic::Frame::CaughtUp(at)) => Frame::CaughtUp { cursor: at.cursor },
            Some(topic::Frame::Heartbeat(at)) => Frame::Heartbeat { cursor: at.cursor },
            Some(topic::Frame::Reset(reset)) => Frame::Reset(reset),
            Some(topic::Frame::Closed(closed)) => Frame::Closed(closed),
            None => Frame::Unknown,
        }
    }
}
