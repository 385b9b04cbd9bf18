use std::time::Duration;

use roomcast_proto::v1::CancelJobRequest;

use super::known;
use crate::connection::{Connection, call};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::span;
use crate::view::JobView;

/// Ask a job to end
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  roomcast job cancel 019a8f3e7c1d7f2a9b6e2f1d0c5a4b3e --reason 'wrong month'"
)]
pub(crate) struct Arguments {
    /// Which
    #[arg(value_name = "JOB")]
    job_id: String,
    /// Why, for a person
    #[arg(long, default_value = "", value_name = "TEXT")]
    reason: String,
    /// How long its worker has to end it [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = span::parse)]
    grace: Option<Duration>,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(arguments: Arguments, output: Output) -> Result<Exit, Failure> {
    let core = arguments.connection.open().await?;
    let request = CancelJobRequest {
        job_id: arguments.job_id,
        reason: arguments.reason,
        grace: arguments.grace.and_then(span::to_proto),
    };
    let job = known(core.jobs().cancel_job(call(request)).await?.into_inner().job)?;
    output.show(&JobView::of(&job))?;
    Ok(Exit::OK)
}
