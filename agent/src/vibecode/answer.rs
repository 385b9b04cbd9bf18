//! The answer to a message, as everybody in the project gets it.

use roomcast_client::proto::agent;
use roomcast_client::proto::v1::Usage;
use serde::Serialize;

use super::patch::Patch;

/// The content of a `vibecode_response`, and the job's result. The trace id comes with its envelope.
#[derive(Debug, Serialize)]
pub(super) struct Answer<'a> {
    r#type: &'static str,
    session_id: &'a str,
    /// A unified diff that applies to the project's files as they are.
    patch: &'a str,
    /// The files that it touches.
    files: &'a [String],
    /// What else the model said.
    message: &'a str,
    model: &'a str,
    token_usage: TokenUsage,
}

/// What the model's API reported of this answer.
#[derive(Debug, Serialize)]
struct TokenUsage {
    input_tokens: i64,
    output_tokens: i64,
    cached_input_tokens: i64,
    reasoning_tokens: i64,
    total_tokens: i64,
    cost_micros: i64,
}

impl<'a> Answer<'a> {
    pub(super) fn new(session_id: &'a str, patch: &'a Patch, usage: &'a Usage) -> Self {
        Self {
            r#type: agent::VIBECODE_RESPONSE,
            session_id,
            patch: &patch.text,
            files: &patch.files,
            message: &patch.message,
            model: &usage.model,
            token_usage: TokenUsage {
                input_tokens: usage.input_tokens,
                output_tokens: usage.output_tokens,
                cached_input_tokens: usage.cached_input_tokens,
                reasoning_tokens: usage.reasoning_tokens,
                total_tokens: usage.total_tokens,
                cost_micros: usage.cost_micros,
            },
        }
    }
}
