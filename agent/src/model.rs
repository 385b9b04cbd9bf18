//! A chat model behind any API that speaks as OpenAI's does.
//!
//! [`Model::ask`] sends one conversation and answers a [`Reply`], which gives the text as the model
//! writes it and the usage as the API reports it. What goes wrong is a [`Failure`] with a code that
//! says what to mend, and whether another attempt may do better. Nothing that the API has not reported
//! is ever made up, and neither key nor content is logged.
//!
//! [`settings`] (where it is), [`door`] (what comes back that is no reply), [`chunk`] (what a reply is
//! made of), [`reply`].

mod chunk;
mod door;
mod reply;
mod settings;

use std::time::Duration;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use roomcast_client::worker::Failure;
use serde::Serialize;

use self::chunk::Chunk;
use self::door::{Door, Refused};
use self::reply::silent;
pub(crate) use self::reply::{Part, Reply};
pub use self::settings::{Key, ModelConfig};

/// A model that cannot be connected to within this time is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A model, ready to be asked.
#[derive(Debug)]
pub struct Model {
    client: Client<OpenAIConfig>,
    name: String,
    patience: Duration,
    answer_tokens_max: u64,
    key: Option<Key>,
}

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Speaker {
    /// What the model is to do.
    System,
    /// Whom it answers.
    User,
}

/// Something that is said to the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Turn {
    pub(crate) role: Speaker,
    pub(crate) content: String,
}

/// A conversation as the API takes it.
#[derive(Debug, Serialize)]
struct Request<'a> {
    model: &'a str,
    messages: &'a [Turn],
    max_completion_tokens: u64,
    stream: bool,
    stream_options: StreamOptions,
}

#[derive(Debug, Serialize)]
struct StreamOptions {
    include_usage: bool,
}

impl Model {
    /// The model that the settings name, if they name one.
    ///
    /// # Errors
    /// When the URL is none, or the key cannot be sent.
    pub fn new(config: &ModelConfig) -> anyhow::Result<Option<Self>> {
        let Some(name) = config.model.clone() else { return Ok(None) };
        // Wherever an answer points, the key goes nowhere else.
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let key = config.model_key.clone();
        let is_sendable = key.as_ref().is_none_or(Key::is_sendable);
        anyhow::ensure!(is_sendable, "--model-key has characters that no key has");
        let api = OpenAIConfig::new()
            .with_api_base(config.base()?)
            .with_api_key(key.as_ref().map_or("", Key::reveal));
        let client = Client::with_config(api).with_http_service(Door::new(http));
        let patience = Duration::from_secs(config.model_patience_seconds);
        let answer_tokens_max = config.model_answer_tokens_max;
        Ok(Some(Self { client, name, patience, answer_tokens_max, key }))
    }

    /// The model's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Asks for an answer of at most so many tokens.
    pub(crate) async fn ask(&self, turns: &[Turn], tokens_max: u64) -> Result<Reply, Failure> {
        let max_completion_tokens = tokens_max.min(self.answer_tokens_max);
        let request = Request {
            model: &self.name,
            messages: turns,
            max_completion_tokens,
            stream: true,
            stream_options: StreamOptions { include_usage: true },
        };
        let chat = self.client.chat();
        let asked = chat.create_stream_byot::<_, Chunk>(request);
        match tokio::time::timeout(self.patience, asked).await {
            Ok(Ok(stream)) => {
                Ok(Reply::new(stream, self.patience, max_completion_tokens, self.key.clone()))
            }
            Ok(Err(error)) => Err(self.failure(error)),
            Err(_) => Err(silent(self.patience)),
        }
    }

    fn failure(&self, error: OpenAIError) -> Failure {
        if let OpenAIError::Boxed(inner) = error {
            return match inner.downcast::<Refused>() {
                Ok(refused) => refused.failure(self.key.as_ref()),
                Err(_) => unreachable(""),
            };
        }
        if let OpenAIError::Reqwest(error) = &error {
            let what = if error.is_timeout() { "no connection in time" } else { "no connection" };
            return unreachable(what);
        }
        Failure::new("model_request_invalid", "the request to the model's API cannot be built")
    }
}

fn unreachable(what: &str) -> Failure {
    let message = format!("the model's API cannot be reached: {what}; see --model-url");
    Failure::new("model_unreachable", message).retryable()
}

#[cfg(test)]
mod tests;
