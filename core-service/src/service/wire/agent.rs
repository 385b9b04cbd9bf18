//! Messages and test runs: the jobs that they become.

use prost_types::Duration;
use roomcast_proto::{agent, v1};
use serde_json::{Value, json};
use tonic::Status;

use super::check::{self, invalid};
use super::duration;
use crate::domain::limits;

pub(in crate::service) fn message(
    request: v1::SendMessageRequest,
) -> Result<v1::CreateJobRequest, Status> {
    let v1::SendMessageRequest { session_id, prompt, idempotency_key } = request;
    if session_id.is_empty() {
        return Err(invalid("session_id", "is required"));
    }
    if prompt.trim().is_empty() {
        return Err(invalid("prompt", "is required"));
    }
    let prompt = check::text("prompt", prompt, limits::PROMPT_BYTES_MAX)?;
    let kind = agent::VIBECODE.to_owned();
    let input = input(&json!({ "prompt": prompt }));
    Ok(v1::CreateJobRequest { session_id, kind, input, idempotency_key, ..soon() })
}

pub(in crate::service) fn test_run(
    request: v1::StartTestRunRequest,
) -> Result<v1::CreateJobRequest, Status> {
    let v1::StartTestRunRequest { project_id, command, idempotency_key } = request;
    if project_id.is_empty() {
        return Err(invalid("project_id", "is required"));
    }
    let input = if command.is_empty() {
        input(&json!({}))
    } else {
        input(&json!({ "command": check::name("command", command)? }))
    };
    let kind = agent::TEST_RUN.to_owned();
    Ok(v1::CreateJobRequest { project_id, kind, input, idempotency_key, ..soon() })
}

fn input(value: &Value) -> Option<v1::Payload> {
    Some(v1::Payload { content_type: String::new(), data: value.to_string().into() })
}

/// A job that somebody waits for.
fn soon() -> v1::CreateJobRequest {
    let span = |span| -> Option<Duration> { Some(duration(span)) };
    let timeouts = v1::Timeouts {
        schedule_to_start: span(limits::AGENT_START),
        attempt: span(limits::AGENT_ATTEMPT),
        total: None,
    };
    v1::CreateJobRequest { timeouts: Some(timeouts), ..v1::CreateJobRequest::default() }
}
