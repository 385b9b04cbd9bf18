//! A topic's state, told to one socket: after a join that does not resume, and after a reset.

use std::{borrow::Borrow, time::Duration};

use roomcast_proto::v1::{JoinResponse, ResetReason, join_response::Snapshot};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::timeout;

use crate::{
    feed::SharedState,
    lane::KillReason,
    names::{
        Encoded, Envelope, LastEvent, job_status_of_job, job_status_of_summary, now, reset_reason,
    },
    socket::emit::{Gone, Outlet},
};

/// A socket must take a session's state within this, for others wait for its memory: the largest at 5
/// Mbit/s.
const STATE_DEADLINE: Duration = Duration::from_secs(60);

/// Where a topic stands, as a socket is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standpoint<'a> {
    pub(crate) response: &'a JoinResponse,
    /// Of a session.
    pub(crate) state: Option<&'a SharedState>,
}

impl Standpoint<'_> {
    /// The state in the words that clients know: `session_state`, or `job_status` for the job, or for
    /// each of a list. What was missed is said before.
    pub(crate) async fn announce(self, outlet: &Outlet, message: &str) -> Result<(), Gone> {
        if let Some(reset) = &self.response.reset {
            return self.reset(outlet, reset.reason()).await;
        }
        self.tell(outlet, &objects(self.response, message)).await
    }

    /// `reset {topic, reason, snapshot, cursor, …}`, before the announcement.
    pub(super) async fn reset(self, outlet: &Outlet, reason: ResetReason) -> Result<(), Gone> {
        let response = self.response;
        let objects = objects(response, "");
        outlet.tell_object("reset", &self.as_reset(reason, &objects)).await?;
        self.tell(outlet, &objects).await
    }

    /// The payload of `reset`.
    fn as_reset(self, reason: ResetReason, objects: &[String]) -> String {
        let response = self.response;
        let body = Body { reason: reset_reason(reason), snapshot: self.shape(objects) };
        let body = serde_json::to_string(&body).unwrap_or_else(|_| "{}".to_owned());
        let envelope = Envelope {
            topic: &response.topic,
            // Whoever has not been told the whole state yet has nothing to go on from.
            cursor: if self.has_more_parts() { "" } else { &response.cursor },
            event_id: &format!("reset:{}:{}", response.topic, response.cursor),
            trace_id: "",
            timestamp: now(),
        };
        envelope.seal(&body)
    }

    async fn tell(self, outlet: &Outlet, objects: &[String]) -> Result<(), Gone> {
        if let Some(state) = self.state {
            return tell_state(outlet, state).await;
        }
        match &self.response.snapshot {
            Some(Snapshot::Job(_) | Snapshot::Jobs(_)) => {
                for object in objects {
                    outlet.tell_object("job_status", object).await?;
                }
                Ok(())
            }
            Some(Snapshot::LastValues(values)) if self.response.tells_last => {
                let mut values: Vec<_> = values.events.iter().map(Encoded::new).collect();
                values.sort_unstable_by_key(Encoded::offset);
                tell_values(outlet, &self.response.topic, &values).await
            }
            Some(Snapshot::LastValues(_) | Snapshot::Session(_)) | None => Ok(()),
        }
    }

    fn has_more_parts(self) -> bool {
        self.state.is_some_and(|state| state.state().parts().len() > 1)
    }

    /// How the snapshot looks inside of `reset`.
    fn shape<'a>(self, objects: &'a [String]) -> Option<Shape<'a>>
    where
        Self: 'a,
    {
        if let Some(state) = self.state {
            let first = state.state().parts().first()?.payload();
            return serde_json::from_str(first).ok().map(Shape::Session);
        }
        let mut values = objects.iter().filter_map(|object| serde_json::from_str(object).ok());
        match self.response.snapshot.as_ref()? {
            Snapshot::Job(_) => values.next().map(Shape::Job),
            Snapshot::Jobs(_) => Some(Shape::Jobs(values.collect())),
            Snapshot::LastValues(last) => {
                Some(Shape::Events(last.events.iter().map(LastEvent::of).collect()))
            }
            Snapshot::Session(_) => None,
        }
    }
}

/// A room's last events of each type, oldest first: each as it was told when it happened.
pub(crate) async fn tell_values(
    outlet: &Outlet,
    room: &str,
    values: &[impl Borrow<Encoded>],
) -> Result<(), Gone> {
    for value in values {
        outlet.emit(room, value.borrow()).await?;
    }
    Ok(())
}

async fn tell_state(outlet: &Outlet, state: &SharedState) -> Result<(), Gone> {
    let told = async {
        for part in state.state().parts() {
            outlet.tell_part(part.text()).await?;
        }
        Ok(())
    };
    timeout(STATE_DEADLINE, told).await.unwrap_or_else(|_| {
        outlet.kill(KillReason::SlowConsumer);
        Err(Gone)
    })
}

/// The snapshot's parts, each a payload of its own.
fn objects(response: &JoinResponse, message: &str) -> Vec<String> {
    let (topic, cursor) = (response.topic.as_str(), response.cursor.as_str());
    match &response.snapshot {
        Some(Snapshot::Job(job)) => vec![job_status_of_job(topic, cursor, job, message)],
        Some(Snapshot::Jobs(list)) => {
            // Whoever has not been told the whole list yet has nothing to go on from.
            let after = |place| if place == list.jobs.len() { cursor } else { "" };
            let lines = (1..).zip(&list.jobs);
            lines.map(|(n, job)| job_status_of_summary(topic, (cursor, after(n)), job)).collect()
        }
        Some(Snapshot::LastValues(_) | Snapshot::Session(_)) | None => Vec::new(),
    }
}

#[derive(Debug, Serialize)]
struct Body<'a> {
    reason: &'static str,
    snapshot: Option<Shape<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Shape<'a> {
    Job(&'a RawValue),
    Jobs(Vec<&'a RawValue>),
    Events(Vec<LastEvent<'a>>),
    /// Its first part.
    Session(&'a RawValue),
}

#[cfg(test)]
mod tests {
    use roomcast_proto::v1::{Event, LastValues, Payload, event};
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_rooms_reset_says_under_which_name_each_of_its_events_is_told() {
        let content = Payload { content_type: String::new(), data: "{\"x\":1}".into() };
        let level = Event {
            r#type: "level".into(),
            event_id: "e1".into(),
            body: Some(event::Body::Payload(content)),
            ..Event::default()
        };
        let last = LastValues { events: vec![level] };
        let snapshot = Some(Snapshot::LastValues(last));
        let response = JoinResponse { topic: "room:a".into(), snapshot, ..JoinResponse::default() };
        let standpoint = Standpoint { response: &response, state: None };
        let told = standpoint.as_reset(ResetReason::Trimmed, &objects(&response, ""));
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!((&told["topic"], &told["reason"]), (&json!("room:a"), &json!("trimmed")));
        let one = &told["snapshot"]["events"][0];
        assert_eq!((&one["type"], &one["event_id"]), (&json!("level"), &json!("e1")));
        assert_eq!((&one["data"]["x"], &one["data"]["event_id"]), (&json!(1), &json!("e1")));
    }
}
