//! A piece of a reply, as the API streams it. What is not looked at may have any form: many servers
//! speak this language, each with words of its own.

use roomcast_client::proto::v1::Usage;
use serde::Deserialize;

use super::door::Reason;

/// A piece.
#[derive(Debug, Deserialize)]
pub(super) struct Chunk {
    pub(super) model: Option<String>,
    #[serde(default)]
    pub(super) choices: Vec<Choice>,
    pub(super) usage: Option<Reported>,
    pub(super) error: Option<Reason>,
}

/// A part of an answer.
#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    #[serde(default)]
    pub(super) delta: Delta,
    pub(super) finish_reason: Option<String>,
}

/// What is new.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Delta {
    pub(super) content: Option<String>,
    pub(super) refusal: Option<String>,
}

/// Usage as the API reports it: all of this reply so far.
#[derive(Debug, Deserialize)]
pub(super) struct Reported {
    prompt_tokens: u32,
    completion_tokens: u32,
    total_tokens: u32,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
    /// In the account's currency. Few report it.
    cost: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct PromptDetails {
    cached_tokens: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct CompletionDetails {
    reasoning_tokens: Option<u32>,
}

impl Reported {
    pub(super) fn usage(&self, model: &str) -> Usage {
        let cached = self.prompt_tokens_details.as_ref().and_then(|details| details.cached_tokens);
        let reasoning =
            self.completion_tokens_details.as_ref().and_then(|details| details.reasoning_tokens);
        Usage {
            input_tokens: self.prompt_tokens.into(),
            output_tokens: self.completion_tokens.into(),
            cached_input_tokens: cached.unwrap_or(0).into(),
            reasoning_tokens: reasoning.unwrap_or(0).into(),
            total_tokens: self.total_tokens.into(),
            cost_micros: self.cost.map_or(0, micros),
            model: model.to_owned(),
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "a cast of a float ends at the type's bounds")]
fn micros(cost: f64) -> i64 {
    (cost * 1e6).round().max(0.0) as i64
}
