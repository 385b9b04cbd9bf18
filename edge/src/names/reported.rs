//! A worker's own events, under the names that it gives them.

use roomcast_proto::v1::{JobEvent, JobReported};
use serde::Serialize;
use utoipa::ToSchema;

use super::content;

/// The job that an event of its worker's own is of.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OfJob)]
pub(super) struct About<'a> {
    /// The job.
    job_id: &'a str,
    /// Number of its attempt.
    attempt: u32,
}

/// What the worker said, byte for byte, after the job and the attempt that it is about.
pub(super) fn object(event: &JobEvent, reported: &JobReported) -> String {
    let about = About { job_id: &event.job_id, attempt: event.attempt };
    let about = serde_json::to_string(&about).unwrap_or_else(|_| "{}".to_owned());
    let said = reported.payload.as_ref().map(content::object);
    let said = said.as_deref().and_then(|text| text.trim_start().strip_prefix('{'));
    let fields = said.unwrap_or("}");
    let comma = if fields.trim_start().starts_with('}') { "" } else { "," };
    format!("{}{comma}{fields}", about.trim_end_matches('}'))
}
