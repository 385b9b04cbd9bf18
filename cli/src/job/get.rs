use roomcast_proto::v1::GetJobRequest;

use super::known;
use crate::connection::{Connection, call};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::view::JobView;

/// Show a job
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  roomcast job get 019a8f3e7c1d7f2a9b6e2f1d0c5a4b3e -o json")]
pub(crate) struct Arguments {
    /// Which
    #[arg(value_name = "JOB")]
    job_id: String,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(arguments: Arguments, output: Output) -> Result<Exit, Failure> {
    let core = arguments.connection.open().await?;
    let request = GetJobRequest { job_id: arguments.job_id };
    let answer = core.jobs().get_job(call(request)).await?.into_inner();
    let job = known(answer.job)?;
    output.show(&JobView::of(&job).served_by(answer.workers).limited_to(answer.limit))?;
    Ok(Exit::OK)
}
