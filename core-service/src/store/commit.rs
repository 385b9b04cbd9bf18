//! What a commit is, the same for every engine: a command, the state it decides on, and what it
//! writes. Pure: an engine loads, calls [`decide`], writes.

use std::sync::Arc;

use crate::domain::access::{self, Change};
use crate::domain::audit;
use crate::domain::cursor::Cursor;
use crate::domain::event::{Body, NewEvent};
use crate::domain::graph;
use crate::domain::job::{self, Decision, Entry, Job, Record, Spec, Summary, Taker};
use crate::domain::payload::Payload;
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};
use crate::domain::trace::TraceId;
use crate::store::{Error, codec, session};

/// Something to commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// What.
    pub action: Action,
    /// Makes a repetition harmless.
    pub idempotency: Option<Idempotency>,
    /// The request that asked for it.
    pub trace: Option<TraceId>,
}

/// What to commit.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Append events to one topic.
    Publish {
        /// Where.
        topic: Topic,
        /// In this order, all or none.
        events: Vec<NewEvent>,
        /// Only if the head is here.
        expected_offset: Option<u64>,
    },
    /// Create a job.
    CreateJob {
        /// What it is.
        spec: Box<Spec>,
        /// What to work on.
        input: Option<Payload>,
        /// Has it from the beginning, if it is to be had.
        taker: Option<Taker>,
    },
    /// Change a job.
    Job {
        /// Which.
        job_id: String,
        /// How.
        command: job::Command,
    },
    /// Change who may come in.
    Access(access::Command),
    /// Change projects, members and sessions.
    Session(Box<session::Action>),
    /// Do this, and tell of it in the log of what operators do.
    Audited {
        /// What to do.
        action: Box<Action>,
        /// What is told, unless it is refused.
        entry: Box<audit::Entry>,
    },
}

impl Action {
    /// What is to be done, whoever is told of it.
    #[must_use]
    pub fn bare(&self) -> &Action {
        match self {
            Action::Audited { action, .. } => action.bare(),
            Action::Publish { .. }
            | Action::CreateJob { .. }
            | Action::Job { .. }
            | Action::Access(_)
            | Action::Session(_) => self,
        }
    }
}

/// An idempotency key and the content it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// Who uses the key for what: keys of different scopes never meet.
    pub scope: String,
    /// The key.
    pub key: String,
    /// A hash of the request without the key.
    pub content: [u8; 32],
    /// Forgotten after this.
    pub expires_at: Time,
}

/// What a commit came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Committed {
    /// The cursors of the published events, in order.
    Published {
        /// One per event.
        cursors: Vec<Cursor>,
        /// True when an earlier request with the same key had published them.
        is_replay: bool,
    },
    /// The job after the command, and the head of its topic.
    Job {
        /// The record.
        record: Arc<Record>,
        /// The head.
        cursor: Cursor,
        /// True when an earlier request with the same key had created it.
        is_replay: bool,
    },
    /// An entry of who may come in: as it is, or as it was when it is gone.
    Access {
        /// The entry.
        entry: Option<Box<access::Entry>>,
        /// Where the change stands in its topic, if anybody must hear of it.
        cursor: Option<Cursor>,
    },
    /// What became of projects and sessions.
    Session {
        /// What.
        outcome: Box<session::Outcome>,
        /// True when an earlier request with the same key had done it.
        is_replay: bool,
    },
}

/// Why a command is not to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The topic's head is elsewhere.
    #[error("the topic's head is at offset {head}, not {expected}")]
    OffsetConflict {
        /// Where it is.
        head: u64,
        /// Where it was expected.
        expected: u64,
    },
    /// The key was used with other content.
    #[error("the idempotency key was used with other content")]
    IdempotencyMismatch,
    /// The first request with the key was done, and the events that told what it came to are past their
    /// retention.
    #[error("the request was done before; what it came to is past its retention")]
    AnswerGone,
    /// No such job.
    #[error("job {0} not found")]
    JobNotFound(String),
    /// The job refuses.
    #[error(transparent)]
    Job(#[from] job::Refusal),
    /// There is no such entry.
    #[error(transparent)]
    Access(#[from] access::Refusal),
    /// A project or session refuses.
    #[error(transparent)]
    Session(#[from] session::Refusal),
    /// A graph refuses.
    #[error(transparent)]
    Graph(graph::Refusal),
    /// A text is none that the database can keep.
    #[error("the database keeps no such text: {0}; leave out NUL and whatever its encoding lacks")]
    Unkept(String),
}

/// Events for one topic.
#[derive(Debug, Clone, PartialEq)]
pub struct Append {
    /// Where.
    pub topic: Topic,
    /// In this order.
    pub events: Vec<NewEvent>,
}

/// Where a job's entries go: all of them to its own topic; its usage and its worker's own events also to
/// the project's; what a list shows, as one summary, to the owner's and the project's.
#[must_use]
pub fn appends(job: &Job, entries: Vec<Entry>) -> Vec<Append> {
    if entries.is_empty() {
        return Vec::new();
    }
    let shows_in_lists = entries.iter().any(|entry| shows_in_lists(&entry.event));
    let told = entries.iter().filter(|entry| is_told_to_project(&entry.event));
    let told: Vec<NewEvent> = told.cloned().map(new_event).collect();
    let mut appends = Vec::with_capacity(3);
    // Names were checked when the job was created; one that is none simply has no topic.
    if let Ok(topic) = job_topic(job) {
        appends.push(Append { topic, events: entries.into_iter().map(new_event).collect() });
    }
    let spec = &job.spec;
    for topic in list_topics(&spec.tenant, &spec.owner, spec.project.as_deref()) {
        let mut events = if topic.kind() == Kind::Project { told.clone() } else { Vec::new() };
        if shows_in_lists {
            let body = Body::Summary(Arc::new(Summary::of(job)));
            events.push(NewEvent { kind: Summary::KIND.into(), body });
        }
        if !events.is_empty() {
            appends.push(Append { topic, events });
        }
    }
    appends
}

fn new_event(entry: Entry) -> NewEvent {
    NewEvent { kind: entry.event.kind().into(), body: Body::Job(Arc::new(entry)) }
}

/// Whether a job's line looks different after it.
fn shows_in_lists(event: &job::Event) -> bool {
    use job::Event::{Output, Reported, Used};
    !matches!(event, Output { .. } | Used(_) | Reported(_))
}

/// Whether it reaches all who watch the project, as it is.
fn is_told_to_project(event: &job::Event) -> bool {
    matches!(event, job::Event::Used(_) | job::Event::Reported(_))
}

/// The topics of the lists that show an owner's job.
fn list_topics(tenant: &str, owner: &str, project: Option<&str>) -> impl Iterator<Item = Topic> {
    let project = project.and_then(|name| Topic::new(tenant, Kind::Project, name).ok());
    [Topic::user(tenant, owner).ok(), project].into_iter().flatten()
}

/// All topics that a job's commits may append to.
pub(crate) fn job_topics(
    tenant: &str,
    owner: &str,
    project: Option<&str>,
    job_id: &str,
) -> Vec<Topic> {
    let own = Topic::new(tenant, Kind::Job, job_id).ok();
    own.into_iter().chain(list_topics(tenant, owner, project)).collect()
}

/// The event that tells of a change of who may come in.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn access_append(change: &Change) -> Result<Append, Error> {
    let body = Body::Payload(Payload::json(codec::to_json(change)?));
    let events = vec![NewEvent { kind: access::CHANGED.into(), body }];
    Ok(Append { topic: Topic::access(), events })
}

/// The event that tells what an operator did.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn audit_append(entry: &audit::Entry) -> Result<Append, Error> {
    let json = entry.json().map_err(|error| Error::Damaged(error.to_string()))?;
    let body = Body::Payload(Payload::json(json));
    let events = vec![NewEvent { kind: entry.act.as_str().into(), body }];
    Ok(Append { topic: entry.topic(), events })
}

/// The topic of a job.
///
/// # Errors
/// When its id is no name.
pub fn job_topic(job: &Job) -> Result<Topic, crate::domain::topic::NotATopic> {
    Topic::new(&job.spec.tenant, Kind::Job, &job.spec.id)
}

/// Decides a change of a job that was loaded.
///
/// # Errors
/// When there is no such job or it refuses.
pub fn decide_job(
    record: Option<&Record>,
    job_id: &str,
    command: job::Command,
    now: Time,
) -> Result<Decision, Refusal> {
    let record = record.ok_or_else(|| Refusal::JobNotFound(job_id.into()))?;
    Ok(record.decide(command, now)?)
}
