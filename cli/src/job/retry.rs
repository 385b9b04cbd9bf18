use roomcast_proto::v1::RetryJobRequest;
use uuid::Uuid;

use super::{known, watch};
use crate::connection::{Connection, call};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::view::JobView;

/// Try an ended job again, as a new job with the same input
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  roomcast job retry 019a8f3e7c1d7f2a9b6e2f1d0c5a4b3e --watch")]
pub(crate) struct Arguments {
    /// Which
    #[arg(value_name = "JOB")]
    job_id: String,
    /// The same key gives the same new job for 24 h
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Follow the new job to its end
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(arguments: Arguments, output: Output) -> Result<Exit, Failure> {
    let core = arguments.connection.open().await?;
    let request = RetryJobRequest {
        job_id: arguments.job_id,
        // Should a proxy repeat the call, there is still one new job.
        idempotency_key: arguments.idempotency_key.unwrap_or_else(|| Uuid::new_v4().to_string()),
    };
    let job = known(core.jobs().retry_job(call(request)).await?.into_inner().job)?;
    if arguments.watch {
        return watch::follow(&core, &job.job_id, output).await;
    }
    output.show(&JobView::of(&job))?;
    Ok(Exit::OK)
}
