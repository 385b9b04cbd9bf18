//! What was used of models, as REST shows it.

use roomcast_proto::v1;
use serde::Serialize;
use utoipa::ToSchema;

use super::job::text;

/// What the model API reported: cumulative, and never estimated.
#[derive(Debug, Serialize, ToSchema)]
pub struct Usage<'a> {
    /// Tokens of prompts.
    input_tokens: i64,
    /// Tokens of answers.
    output_tokens: i64,
    /// Input tokens that were served from a cache.
    cached_input_tokens: i64,
    /// Output tokens spent on reasoning.
    reasoning_tokens: i64,
    /// All tokens, as reported.
    total_tokens: i64,
    /// Cost in millionths of the account's currency, when the API reports it.
    cost_micros: i64,
    /// The model that answered last; null in sums over jobs.
    model: Option<&'a str>,
}

impl<'a> Usage<'a> {
    /// Nothing reported is not the same as nothing used.
    #[must_use]
    pub fn reported(usage: Option<&'a v1::Usage>) -> Option<Self> {
        let usage = usage.filter(|usage| **usage != v1::Usage::default())?;
        Some(Self {
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            cached_input_tokens: usage.cached_input_tokens,
            reasoning_tokens: usage.reasoning_tokens,
            total_tokens: usage.total_tokens,
            cost_micros: usage.cost_micros,
            model: text(&usage.model),
        })
    }
}
