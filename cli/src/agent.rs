//! `roomcast agent`: one agent, as `roomcast-agent` is.

use roomcast_runtime::settings;
use roomcast_runtime::telemetry::TelemetryConfig;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::serving;

/// Run the tests of projects and answer messages, as jobs
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  roomcast agent --core http://core:50051 --config agent.toml")]
pub(crate) struct Arguments {
    #[command(flatten)]
    agent: roomcast_agent::Config,
    #[command(flatten)]
    telemetry: TelemetryConfig,
}

pub(crate) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let _telemetry = serving::telemetry(&arguments.telemetry)?;
    let client = arguments.agent.connection.client().map_err(settings::unusable)?;
    let serving =
        roomcast_agent::serve(client, arguments.agent.duties, serving::until_signal()).await;
    // That it is not let in is told as every command tells it, with the mend.
    serving.map_err(|error| match error.downcast::<roomcast_client::Error>() {
        Ok(refused) => Failure::from(refused),
        Err(other) => Failure::from(other),
    })?;
    Ok(Exit::OK)
}
