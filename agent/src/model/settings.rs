//! Which model, where it is, and how much of it a job may use.

use std::fmt;

use anyhow::{Context as _, ensure};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use reqwest::header::HeaderValue;

/// OpenAI's own.
const URL: &str = "https://api.openai.com/v1";
/// Of a long patch with its explanation.
const ANSWER_TOKENS_MAX: u64 = 8192;
/// Several attempts, each with a large part of a project before it.
const JOB_TOKENS_MAX: u64 = 500_000;
/// Models that think before they write are silent for long.
const PATIENCE_SECONDS: u64 = 120;
/// Some 50,000 tokens.
const CONTEXT_KIB: u64 = 192;

/// The model that answers messages.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Model")]
pub struct ModelConfig {
    /// Name of the chat model that answers messages. Without one the agent answers none.
    #[arg(long, env = "ROOMCAST_MODEL", value_parser = NonEmptyStringValueParser::new(), value_name = "NAME")]
    pub model: Option<String>,

    /// Base URL of its API, which speaks as OpenAI's does.
    #[arg(long, env = "ROOMCAST_MODEL_URL", default_value = URL, value_name = "URL")]
    pub model_url: String,

    /// Key of its API, where it needs one.
    #[arg(long, env = "ROOMCAST_MODEL_KEY", hide_env_values = true, value_name = "KEY")]
    pub model_key: Option<Key>,

    /// Most tokens of one answer.
    #[arg(long, env = "ROOMCAST_MODEL_ANSWER_TOKENS_MAX", default_value_t = ANSWER_TOKENS_MAX, value_parser = clap::value_parser!(u64).range(1..), value_name = "COUNT")]
    pub model_answer_tokens_max: u64,

    /// Most tokens of one job, all its attempts together, as the API reports them.
    #[arg(long, env = "ROOMCAST_MODEL_JOB_TOKENS_MAX", default_value_t = JOB_TOKENS_MAX, value_parser = clap::value_parser!(u64).range(1..), value_name = "COUNT")]
    pub model_job_tokens_max: u64,

    /// Most that one job may cost, in millionths of the account's currency, where the API reports cost.
    #[arg(long, env = "ROOMCAST_MODEL_JOB_COST_MAX", value_name = "MICROS")]
    pub model_job_cost_max: Option<u64>,

    /// How long the model may be silent, in seconds.
    #[arg(long, env = "ROOMCAST_MODEL_PATIENCE_SECONDS", default_value_t = PATIENCE_SECONDS, value_parser = clap::value_parser!(u64).range(1..=3600), value_name = "SECONDS")]
    pub model_patience_seconds: u64,

    /// How much of a project's files the model is shown.
    #[arg(long, env = "ROOMCAST_MODEL_CONTEXT_KIB", default_value_t = CONTEXT_KIB, value_parser = clap::value_parser!(u64).range(0..=16384), value_name = "KIB")]
    pub model_context_kib: u64,
}

impl ModelConfig {
    /// The base URL, checked.
    pub(super) fn base(&self) -> anyhow::Result<String> {
        let url = self.model_url.trim_end_matches('/');
        // It is not repeated: it may hold what is none of a log's business.
        let parsed = reqwest::Url::parse(url).context("--model-url is no URL")?;
        let is_web = matches!(parsed.scheme(), "http" | "https");
        ensure!(is_web, "--model-url: must begin with https:// or http://");
        ensure!(parsed.password().is_none(), "--model-url: give the key by --model-key");
        Ok(url.to_owned())
    }
}

/// An API's key. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// Whether it can be sent: one that was copied with a line's end in it cannot.
    pub(super) fn is_sendable(&self) -> bool {
        HeaderValue::from_str(&self.0).is_ok()
    }

    /// The key, for the API alone.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    /// A text of the API's without the key, should it repeat it.
    pub(super) fn without(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&self.0, "[key]") }
    }
}

impl From<&str> for Key {
    fn from(key: &str) -> Self {
        Self(key.trim().to_owned())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key([redacted])")
    }
}
