//! Jobs, and the caller's own list of them.

use serde::Deserialize;

use super::{Call, Command, Parsed, Refusal, field::Id};

#[derive(Debug, PartialEq, Eq)]
pub(in crate::socket) enum Job {
    Join { job_id: String, since: Option<String> },
    Leave { job_id: String },
    JoinOwn { since: Option<String> },
    LeaveOwn,
}

#[derive(Debug, Deserialize)]
struct Join {
    job_id: Option<Id>,
    since: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Leave {
    job_id: Option<Id>,
}

#[derive(Debug, Default, Deserialize)]
struct JoinOwn {
    since: Option<String>,
}

pub(super) fn parse(call: &Call<'_>) -> Parsed {
    let job = match call.name.as_str() {
        "join_job" => join(call),
        "leave_job" => leave(call),
        "subscribe_jobs" => call.optional().map(|JoinOwn { since }| Job::JoinOwn { since }),
        "unsubscribe_jobs" => Ok(Job::LeaveOwn),
        _ => return None,
    };
    Some(job.map(Command::Job))
}

fn join(call: &Call<'_>) -> Result<Job, Refusal> {
    let Join { job_id, since } = call.required()?;
    Ok(Job::Join { job_id: Id::required(job_id, "job_id")?, since })
}

fn leave(call: &Call<'_>) -> Result<Job, Refusal> {
    let Leave { job_id } = call.required()?;
    Ok(Job::Leave { job_id: Id::required(job_id, "job_id")? })
}
