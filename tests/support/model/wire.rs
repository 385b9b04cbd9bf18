//! The API's messages.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{NAME, Usage};

/// A conversation to go on.
#[derive(Debug, Deserialize)]
pub(super) struct Request {
    pub(super) model: String,
    pub(super) messages: Vec<Message>,
    pub(super) max_completion_tokens: Option<usize>,
    pub(super) stream_options: Option<StreamOptions>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Message {
    pub(super) role: String,
    pub(super) content: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct StreamOptions {
    #[serde(default)]
    pub(super) include_usage: bool,
}

pub(super) fn problem(status: StatusCode, message: &str, code: Option<&str>) -> Response {
    let kind = if status.is_server_error() { "server_error" } else { "invalid_request_error" };
    let error = json!({ "message": message, "type": kind, "param": null, "code": code });
    (status, Json(json!({ "error": error }))).into_response()
}

pub(super) fn begin() -> Value {
    chunk(&json!([choice(&json!({ "role": "assistant", "content": "" }), None)]), &Value::Null)
}

pub(super) fn text(piece: &str) -> Value {
    chunk(&json!([choice(&json!({ "content": piece }), None)]), &Value::Null)
}

pub(super) fn finish(reason: &str) -> Value {
    chunk(&json!([choice(&json!({}), Some(reason))]), &Value::Null)
}

pub(super) fn usage(usage: Usage) -> Value {
    chunk(&json!([]), &counted(usage))
}

pub(super) fn usage_with_cost(usage: Usage) -> Value {
    let mut counted = counted(usage);
    let micros = u32::try_from(usage.cost_micros()).expect("a small cost");
    counted["cost"] = json!(f64::from(micros) / 1e6);
    chunk(&json!([]), &counted)
}

fn counted(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total(),
        "prompt_tokens_details": { "cached_tokens": 0, "audio_tokens": 0 },
        "completion_tokens_details": { "reasoning_tokens": 0, "audio_tokens": 0 },
    })
}

fn choice(delta: &Value, finish: Option<&str>) -> Value {
    json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish })
}

fn chunk(choices: &Value, usage: &Value) -> Value {
    json!({
        "id": "chatcmpl-loopback", "object": "chat.completion.chunk", "created": 1_700_000_000,
        "model": NAME, "service_tier": "default", "system_fingerprint": null,
        "choices": choices, "usage": usage,
    })
}
