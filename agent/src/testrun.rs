//! Jobs of kind `test_run`: a configured test command of the project's workspace, run and told case by
//! case.
//!
//! What the command writes becomes the job's output, and on the way a reader of its [`Format`] finds
//! the cases in it; both go in the same report. The events are `test_started`, a `test_result` for each
//! case, and `test_completed` with the totals. A run whose tests fail is a completed job whose outcome
//! is `failed`; a job fails when its command cannot be started or does not end in time.
//!
//! [`process`] starts the command with its guard, [`watch`] sees it to its end, [`tally`] counts and
//! makes the reports. The parsers are pure: [`format`](mod@format) with one module for each tool.

mod cargo;
mod case;
mod ending;
mod format;
mod junit;
mod nextest;
mod process;
mod pytest;
mod tally;
mod tap;
mod watch;

use roomcast_client::worker::{Completion, Failure, Stop, Work};
use serde::Deserialize;
use tokio::time::Instant;

pub use self::case::{Case, Found, Status};
use self::ending::Ending;
pub use self::format::Reader;
pub use self::junit::cases as junit_cases;
use self::process::TestProcess;
use self::tally::Tally;
use self::watch::Watch;
use crate::workspace::Workspaces;

/// The kind of job.
pub const KIND: &str = "test_run";

/// What a run asks for.
#[derive(Debug, Default, Deserialize)]
struct Request {
    /// The name of a configured command, never the command itself.
    #[serde(default)]
    command: Option<String>,
}

/// Runs the tests that a job asks for.
///
/// # Errors
/// [`Stop`] when the run is refused, cut short or cancelled.
pub async fn run(work: &Work, workspaces: &Workspaces) -> Result<Completion, Stop> {
    let request: Option<Request> = work.input()?;
    let workspace = workspaces.of(&work.job().project_id)?;
    let (name, command) = workspace.test(request.unwrap_or_default().command.as_deref())?;
    let began = Instant::now();
    let process = TestProcess::start(command, workspace.folder()).await.map_err(|error| {
        Failure::new("command_not_started", format!("the test command `{name}`: {error}"))
    })?;
    let mut tally = Tally::new(command.format());
    work.report(tally.started(name)?).await?;
    let report = process.report();
    let ending = Watch::new(work, process, &mut tally, command.timeout()).run().await?;
    if let (Some(report), Ending::Exited(status)) = (report, &ending) {
        match report.read().await {
            Ok(found) => tally.take(found),
            // A command that failed may not have come to write it.
            Err(_) if !status.success() => {}
            Err(missing) => return Err(missing.into()),
        }
    }
    let completed = tally.completed(&ending, began.elapsed());
    for news in tally.rest(&completed)? {
        work.report(news).await?;
    }
    match ending {
        Ending::Exited(_) => Ok(Completion::json(&completed)?),
        Ending::Cancelled => Err(Stop::Cancelled),
        Ending::TimedOut => Err(Failure::new(
            "test_timeout",
            format!("the test command `{name}` ran longer than {:?}", command.timeout()),
        )
        .into()),
        Ending::TooMuchOutput => Err(Failure::new(
            "output_limit",
            format!("the test command `{name}` wrote more than {} bytes", watch::OUTPUT_BYTES_MAX),
        )
        .into()),
    }
}
