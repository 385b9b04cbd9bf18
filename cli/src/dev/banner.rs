//! What a developer needs to know, at the start.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// Addresses, the token, and a warning.
#[derive(Debug, Serialize)]
pub(super) struct Banner {
    pub(super) http: String,
    pub(super) grpc: String,
    pub(super) data_dir: PathBuf,
    pub(super) demands_tokens: bool,
    /// Whether an agent does jobs.
    pub(super) agent: bool,
    /// The model that answers messages.
    pub(super) model: Option<String>,
    pub(super) token: String,
}

impl fmt::Display for Banner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Banner { http, grpc, data_dir, demands_tokens, agent, model, token } = self;
        let agent = match (agent, model) {
            (true, Some(model)) => format!("does jobs, answers messages with {model}"),
            (true, None) => "does jobs, answers no messages: no --model".to_owned(),
            (false, _) => "has nothing to do: no --workspaces, no --model".to_owned(),
        };
        let warning = if *demands_tokens {
            "FOR DEVELOPMENT ONLY: secrets lie in the data folder. Browsers must show a token."
        } else {
            "FOR DEVELOPMENT ONLY: whoever reaches these addresses is an administrator."
        };
        write!(
            formatter,
            "\n  roomcast dev {}\n  {warning}\n\n\
             \x20 page    {http}/\n\
             \x20 API     {http}/docs\n\
             \x20 gRPC    {grpc}\n\
             \x20 data    {}\n\
             \x20 agent   {agent}\n\
             \x20 token   {token}\n\
             \x20         (user dev, role admin, 12 h: as auth.token in a browser, or as a bearer)\n\n\
             \x20 Try in another terminal:\n\
             \x20   roomcast run -- sh -c 'for i in $(seq 1 50); do echo \"step $i/50\"; sleep 0.1; done'\n",
            env!("CARGO_PKG_VERSION"),
            data_dir.display(),
        )
    }
}
