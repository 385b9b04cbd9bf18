//! A model's reply, piece by piece, until it is whole.

use std::collections::VecDeque;
use std::time::Duration;

use async_openai::types::stream::StreamResponse;
use futures::StreamExt as _;
use roomcast_client::proto::v1::Usage;
use roomcast_client::worker::Failure;
use tokio::time::timeout;

use super::chunk::{Choice, Chunk};
use super::settings::Key;

/// Text of one answer: with all that an event says of it, it stays within one payload.
const TEXT_BYTES_MAX: usize = 384 << 10;

/// A reply under way.
pub(crate) struct Reply {
    stream: StreamResponse<Chunk>,
    patience: Duration,
    tokens_max: u64,
    key: Option<Key>,
    model: String,
    parts: VecDeque<Part>,
    text_bytes: usize,
    usage: Option<Usage>,
    finish: Option<String>,
}

/// Something of a reply.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part {
    /// More of its text.
    Text(String),
    /// What the API has counted of this reply so far.
    Usage(Usage),
}

impl Reply {
    /// What the stream says of an error is told without the key.
    pub(super) fn new(
        stream: StreamResponse<Chunk>,
        patience: Duration,
        tokens_max: u64,
        key: Option<Key>,
    ) -> Self {
        let (parts, model) = (VecDeque::new(), String::new());
        let (usage, finish) = (None, None);
        Self { stream, patience, tokens_max, key, model, parts, text_bytes: 0, usage, finish }
    }

    /// The next part; none once the reply is whole. Safe to drop while it waits.
    ///
    /// # Errors
    /// When the reply is not whole, or the API has not said what it used.
    pub(crate) async fn next(&mut self) -> Result<Option<Part>, Failure> {
        loop {
            if let Some(part) = self.parts.pop_front() {
                return Ok(Some(part));
            }
            match timeout(self.patience, self.stream.next()).await {
                Err(_) => return Err(silent(self.patience)),
                Ok(Some(Ok(chunk))) => self.take(chunk)?,
                Ok(Some(Err(_))) => return Err(cut()),
                Ok(None) => return self.whole().map(|()| None),
            }
        }
    }

    fn take(&mut self, chunk: Chunk) -> Result<(), Failure> {
        if let Some(reason) = chunk.error {
            let code = reason.code(self.key.as_ref());
            let message = format!("the model's API broke off its reply with an error {code}");
            return Err(Failure::new("model_unavailable", message).retryable());
        }
        if let Some(model) = chunk.model {
            self.model = model;
        }
        for choice in chunk.choices {
            self.read(choice)?;
        }
        if let Some(reported) = chunk.usage {
            let usage = reported.usage(&self.model);
            self.usage = Some(usage.clone());
            self.parts.push_back(Part::Usage(usage));
        }
        Ok(())
    }

    fn read(&mut self, choice: Choice) -> Result<(), Failure> {
        if choice.delta.refusal.is_some_and(|refusal| !refusal.is_empty()) {
            return Err(declined());
        }
        if let Some(text) = choice.delta.content.filter(|text| !text.is_empty()) {
            self.text_bytes += text.len();
            if self.text_bytes > TEXT_BYTES_MAX {
                let message = "the model's answer is longer than 384 KiB";
                return Err(Failure::new("model_answer_too_large", message));
            }
            self.parts.push_back(Part::Text(text));
        }
        self.finish = choice.finish_reason.or(self.finish.take());
        Ok(())
    }

    fn whole(&self) -> Result<(), Failure> {
        let finish = self.finish.as_deref().ok_or_else(cut)?;
        let usage = self.usage.as_ref().ok_or_else(|| {
            let message = "the model's API did not report what the answer used; it must \
                           understand stream_options.include_usage";
            Failure::new("model_usage_missing", message)
        })?;
        match finish {
            "length" if u64::try_from(usage.output_tokens).unwrap_or(0) >= self.tokens_max => {
                let message = "the answer is longer than it may be; see --model-answer-tokens-max \
                               and --model-job-tokens-max";
                Err(Failure::new("budget_exceeded", message))
            }
            "length" => {
                let message = "the answer is longer than the model's own limit";
                Err(Failure::new("model_answer_cut", message))
            }
            "content_filter" => Err(declined()),
            _ => Ok(()),
        }
    }
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Reply").field("model", &self.model).finish_non_exhaustive()
    }
}

/// Neither an answer nor more of one came in time.
pub(super) fn silent(patience: Duration) -> Failure {
    let message = format!("the model said nothing for {} s", patience.as_secs());
    Failure::new("model_timeout", message).retryable()
}

fn cut() -> Failure {
    let message = "the connection to the model's API broke before the answer was whole";
    Failure::new("model_stream_cut", message).retryable()
}

fn declined() -> Failure {
    Failure::new("model_declined", "the model declined to answer")
}
