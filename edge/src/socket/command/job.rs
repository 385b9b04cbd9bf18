//! Jobs, and a user's list of them.

use serde::Deserialize;

use super::{Call, Command, Parsed, Refusal, field::Id, malformed};

/// As long as the name of a user's topic may be.
const USER_BYTES_MAX: usize = 128;

#[derive(Debug, PartialEq, Eq)]
pub(in crate::socket) enum Job {
    Join {
        job_id: String,
        since: Option<String>,
    },
    Leave {
        job_id: String,
    },
    /// The list of a user, of the caller where none is named.
    JoinList {
        user_id: Option<String>,
        since: Option<String>,
    },
    LeaveList {
        user_id: Option<String>,
    },
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
struct JoinList {
    user_id: Option<String>,
    since: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct LeaveList {
    user_id: Option<String>,
}

pub(super) fn parse(call: &Call<'_>) -> Parsed {
    let job = match call.name.as_str() {
        "join_job" => join(call),
        "leave_job" => leave(call),
        "subscribe_jobs" => join_list(call),
        "unsubscribe_jobs" => leave_list(call),
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

fn join_list(call: &Call<'_>) -> Result<Job, Refusal> {
    let JoinList { user_id, since } = call.optional()?;
    Ok(Job::JoinList { user_id: checked(user_id)?, since })
}

fn leave_list(call: &Call<'_>) -> Result<Job, Refusal> {
    let LeaveList { user_id } = call.optional()?;
    Ok(Job::LeaveList { user_id: checked(user_id)? })
}

/// A user's id is opaque: any text that a topic can be named after.
fn checked(user_id: Option<String>) -> Result<Option<String>, Refusal> {
    match user_id {
        Some(id) if !(1..=USER_BYTES_MAX).contains(&id.len()) => {
            Err(malformed("user_id is not a user's"))
        }
        user_id => Ok(user_id),
    }
}
