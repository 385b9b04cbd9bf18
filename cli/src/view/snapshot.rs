//! The state that a followed topic begins with.

use roomcast_proto::v1::{Job, TopicSnapshot, topic_snapshot};
use serde::Serialize;

use super::{EventView, JobView};

/// A frame that carries a job as it stands.
#[derive(Debug, Serialize)]
pub(crate) struct JobFrame<'a> {
    frame: &'static str,
    job: JobView<'a>,
}

impl<'a> JobFrame<'a> {
    /// What the stream begins with.
    pub(crate) fn snapshot(job: &'a Job) -> Self {
        Self { frame: "snapshot", job: JobView::of(job) }
    }

    /// What the stream ends with.
    pub(crate) fn end(job: &'a Job) -> Self {
        Self { frame: "end", job: JobView::of(job) }
    }
}

/// A topic's state.
#[derive(Debug, Serialize)]
pub(crate) struct SnapshotView<'a> {
    frame: &'static str,
    cursor: &'a str,
    #[serde(flatten)]
    state: Option<State<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum State<'a> {
    Job(Box<JobView<'a>>),
    /// Their ids, newest first.
    Jobs(Vec<&'a str>),
    /// The last of each type.
    Events(Vec<EventView<'a>>),
    /// The names of a session's graphs.
    Graphs(Vec<&'a str>),
}

impl<'a> SnapshotView<'a> {
    pub(crate) fn of(snapshot: &'a TopicSnapshot) -> Self {
        let state = snapshot.state.as_ref().map(|state| match state {
            topic_snapshot::State::Job(job) => State::Job(Box::new(JobView::of(job))),
            topic_snapshot::State::Jobs(list) => {
                State::Jobs(list.jobs.iter().map(|job| job.job_id.as_str()).collect())
            }
            topic_snapshot::State::LastValues(last) => {
                State::Events(last.events.iter().map(EventView::of).collect())
            }
            topic_snapshot::State::Session(session) => {
                State::Graphs(session.graphs.iter().map(|graph| graph.name.as_str()).collect())
            }
        });
        Self { frame: "snapshot", cursor: &snapshot.cursor, state }
    }
}
