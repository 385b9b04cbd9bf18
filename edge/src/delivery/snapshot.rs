//! A topic's state, told to one socket: after a join that does not resume, and after a reset.

use roomcast_proto::v1::{JoinResponse, ResetReason, join_response::Snapshot};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    names::{Encoded, Envelope, job_status_of_job, job_status_of_summary, now},
    socket::{Gone, Outlet},
};

/// `reset {topic, reason, snapshot, cursor, …}`, before the announcement.
pub(super) async fn reset(
    outlet: &Outlet,
    reason: ResetReason,
    response: &JoinResponse,
) -> Result<(), Gone> {
    let snapshot = objects(response, "");
    let body = Body { reason: reset_reason(reason), snapshot: Shape::of(response, &snapshot) };
    let body = serde_json::to_string(&body).unwrap_or_else(|_| "{}".to_owned());
    let envelope = Envelope {
        topic: &response.topic,
        cursor: &response.cursor,
        event_id: &format!("reset:{}:{}", response.topic, response.cursor),
        trace_id: "",
        timestamp: now(),
    };
    outlet.tell_object("reset", &envelope.seal(&body)).await?;
    tell_statuses(outlet, response, &snapshot).await
}

/// The state in the words that clients know: `job_status` for the job, or for each of a list.
pub(crate) async fn announce(
    outlet: &Outlet,
    response: &JoinResponse,
    message: &str,
) -> Result<(), Gone> {
    if let Some(reset) = &response.reset {
        return self::reset(outlet, reset.reason(), response).await;
    }
    tell_statuses(outlet, response, &objects(response, message)).await
}

/// The word for a reason.
pub(crate) fn reset_reason(reason: ResetReason) -> &'static str {
    match reason {
        ResetReason::Trimmed => "trimmed",
        ResetReason::Forked | ResetReason::Unspecified => "forked",
        ResetReason::Ahead => "ahead",
    }
}

async fn tell_statuses(
    outlet: &Outlet,
    response: &JoinResponse,
    objects: &[String],
) -> Result<(), Gone> {
    if matches!(response.snapshot, Some(Snapshot::Job(_) | Snapshot::Jobs(_))) {
        for object in objects {
            outlet.tell_object("job_status", object).await?;
        }
    }
    Ok(())
}

/// The snapshot's parts, each a payload of its own.
fn objects(response: &JoinResponse, message: &str) -> Vec<String> {
    let (topic, cursor) = (response.topic.as_str(), response.cursor.as_str());
    match &response.snapshot {
        Some(Snapshot::Job(job)) => vec![job_status_of_job(topic, cursor, job, message)],
        Some(Snapshot::Jobs(list)) => {
            list.jobs.iter().map(|job| job_status_of_summary(topic, cursor, job)).collect()
        }
        Some(Snapshot::LastValues(values)) => {
            values.events.iter().map(|event| Encoded::new(event).payload().to_owned()).collect()
        }
        Some(Snapshot::Session(_)) | None => Vec::new(),
    }
}

#[derive(Debug, Serialize)]
struct Body<'a> {
    reason: &'static str,
    snapshot: Option<Shape<'a>>,
}

/// How a snapshot looks inside of `reset`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Shape<'a> {
    Job(&'a RawValue),
    Jobs(Vec<&'a RawValue>),
    Events(Vec<&'a RawValue>),
}

impl<'a> Shape<'a> {
    fn of(response: &JoinResponse, objects: &'a [String]) -> Option<Self> {
        let mut values = objects.iter().filter_map(|object| serde_json::from_str(object).ok());
        match response.snapshot.as_ref()? {
            Snapshot::Job(_) => values.next().map(Self::Job),
            Snapshot::Jobs(_) => Some(Self::Jobs(values.collect())),
            Snapshot::LastValues(_) => Some(Self::Events(values.collect())),
            Snapshot::Session(_) => None,
        }
    }
}
