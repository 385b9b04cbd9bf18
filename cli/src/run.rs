//! `roomcast run`: any command as a job.

mod batch;
mod cancel;
mod interrupt;
mod pattern;
mod pump;
mod supervise;
mod verdict;

use std::ffi::OsString;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use roomcast_client::worker::{End, News, ReportError, Work, Worker};
use roomcast_proto::v1::{CreateJobRequest, Job, Payload, RetryPolicy, Timeouts};
use serde_json::json;
use uuid::Uuid;

use self::batch::Batch;
use self::cancel::CancelRequest;
use self::interrupt::Interrupts;
use self::pump::{Echo, Pipes};
use self::supervise::{Control, Ending};
use self::verdict::Outcome;
use crate::connection::{Connection, Core, call};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::label::{self, Label};
use crate::output::{Output, Stream};
use crate::span;

/// The job is for this process alone: if it does not get it soon, something is wrong.
const SCHEDULE_TO_START: Duration = Duration::from_secs(60);

const EXAMPLES: &str = "\
Examples:
  roomcast run -- sh -c 'for i in $(seq 1 50); do echo \"step $i/50\"; sleep 0.1; done'
  roomcast run --title nightly --label branch=main -- cargo test

Ends with the command's own exit status; 130 when it was cancelled. A first Ctrl-C cancels the job and
asks the command to end, a second one kills it.";

/// Run a command as a job: its output streams, NN% or n/m in it becomes progress
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// What kind of job it is
    #[arg(long, default_value = "command", value_name = "KIND")]
    kind: String,
    /// What to call it, as the label `title`
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// A label; repeat for more
    #[arg(long = "label", value_name = "KEY=VALUE")]
    labels: Vec<Label>,
    /// The project it belongs to
    #[arg(long, value_name = "ID")]
    project: Option<String>,
    /// How long the command has to end once it is cancelled
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = span::parse)]
    grace: Duration,
    /// Read no progress from the output
    #[arg(long)]
    no_progress: bool,
    /// Do not say which job it is
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    connection: Connection,
    /// The command and its arguments
    #[arg(required = true, last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(crate) async fn run(arguments: Arguments, output: Output) -> Result<Exit, Failure> {
    let mut interrupts = Interrupts::listen().context("signals cannot be listened for")?;
    let core = arguments.connection.open().await?;
    let worker_id = format!("run-{}", Uuid::new_v4());
    let job = create(&core, &arguments, &worker_id).await?;
    if !arguments.quiet {
        output.note(format_args!("job {0} (follow it: roomcast job watch {0})", job.job_id));
    }
    let mut worker = core.client().worker(worker_id).kind(&arguments.kind).start();
    let mut cancel = CancelRequest::new(core, job.job_id.clone(), arguments.grace);
    let work = tokio::select! {
        work = own(&mut worker, &job.job_id) => match work {
            Ok(work) => work,
            Err(failure) => {
                // Nobody else may take it.
                cancel.start();
                cancel.heard(&mut interrupts).await;
                return Err(failure);
            }
        },
        () = interrupts.next() => {
            cancel.start();
            cancel.heard(&mut interrupts).await;
            return Ok(Exit::INTERRUPTED);
        }
        () = tokio::time::sleep(SCHEDULE_TO_START) => {
            return Err(Failure::Unavailable("the core did not hand out the job".to_owned()));
        }
    };
    // The next job is not for us; and our own keeps its place until its end is on record.
    worker.drain().await;
    let control = Control { work: &work, interrupts: &mut interrupts, cancel: &mut cancel };
    let exit = see_through(&arguments, control, output).await?;
    if output.is_json() {
        output.json(&json!({"job_id": job.job_id, "exit_code": exit.0}))?;
    }
    Ok(exit)
}

async fn create(core: &Core, arguments: &Arguments, worker_id: &str) -> Result<Job, Failure> {
    let command: Vec<_> = arguments.command.iter().map(|part| part.to_string_lossy()).collect();
    let title = arguments.title.as_ref().map(|title| Label::new("title", title));
    let request = CreateJobRequest {
        kind: arguments.kind.clone(),
        input: Some(Payload {
            content_type: "application/json".to_owned(),
            data: Bytes::from(json!({ "command": command }).to_string()),
        }),
        project_id: arguments.project.clone().unwrap_or_default(),
        retry: Some(RetryPolicy { max_attempts: 1, ..RetryPolicy::default() }),
        timeouts: Some(Timeouts {
            schedule_to_start: span::to_proto(SCHEDULE_TO_START),
            ..Timeouts::default()
        }),
        labels: label::map(arguments.labels.iter().cloned().chain(title)),
        idempotency_key: Uuid::new_v4().to_string(),
        pinned_worker_id: worker_id.to_owned(),
        ..CreateJobRequest::default()
    };
    let answer = core.jobs().create_job(call(request)).await?.into_inner();
    answer.job.ok_or_else(|| anyhow::anyhow!("the core's answer names no job").into())
}

/// Our own job. Another of the same kind goes back unharmed.
async fn own(worker: &mut Worker, job_id: &str) -> Result<Work, Failure> {
    loop {
        let work = worker.next().await?.context("the worker has ended")?;
        if work.job().job_id == job_id {
            return Ok(work);
        }
        let reason = "this worker does one job of its own".to_owned();
        // If the release is lost, the lease runs out.
        let _ = work.end(End::Released(reason)).await;
    }
}

/// From the job's first report to its last.
async fn see_through(
    arguments: &Arguments,
    control: Control<'_>,
    output: Output,
) -> Result<Exit, Failure> {
    let Control { work, interrupts, cancel } = control;
    // The first report starts the attempt, even of a command that says nothing.
    if work.report(News::new()).await.is_err() {
        output.note("the job ended before the command began");
        return Ok(Exit::FAILED);
    }
    let spawned = match Pipes::spawn(&arguments.command) {
        Ok(spawned) => spawned,
        Err(error) => {
            output.note(format_args!("the command cannot be started: {error}"));
            let (end, exit) = verdict::not_started(&error);
            record(work, end, interrupts).await.unwrap_or_else(|problem| output.note(problem));
            return Ok(exit);
        }
    };
    let stdout = if output.is_json() { Stream::Err } else { Stream::Out };
    let echo = Echo { stdout, stderr: Stream::Err };
    let batch = Batch::new(!arguments.no_progress);
    let control = Control { work, interrupts: &mut *interrupts, cancel: &mut *cancel };
    let ending = supervise::command(spawned, control, batch, echo).await;
    match ending.context("the command cannot be waited for")? {
        Ending::Ended(outcome) => {
            cancel.heard(interrupts).await;
            conclude(work, outcome, interrupts)
                .await
                .unwrap_or_else(|problem| output.note(problem));
            Ok(outcome.exit())
        }
        Ending::Lost => {
            output.note("the job has ended without this process; the command was killed");
            Ok(if work.cancelled().is_cancelled() { Exit::INTERRUPTED } else { Exit::FAILED })
        }
        Ending::Abandoned => {
            output.note("the command was killed; the job ends when its lease runs out");
            Ok(Exit::INTERRUPTED)
        }
    }
}

/// Records a command's end. A cancellation that the core has not heard of is told as what it looks
/// like from there: a failure.
async fn conclude(
    work: &Work,
    outcome: Outcome,
    interrupts: &mut Interrupts,
) -> Result<(), String> {
    match record(work, outcome.end(), interrupts).await {
        Err(_) if outcome.was_cancelled && !work.cancelled().is_cancelled() => {
            record(work, outcome.failure(), interrupts).await
        }
        recorded => recorded,
    }
}

/// Waits until the job's end is durable, or until the person at the terminal has no more patience.
async fn record(work: &Work, end: End, interrupts: &mut Interrupts) -> Result<(), String> {
    tokio::select! {
        outcome = work.end(end) => outcome.map_err(|problem| match problem {
            ReportError::Lost(_) => "the job had ended before the command".to_owned(),
            ReportError::Refused(failure) => format!("the job's end was refused: {}", failure.message()),
        }),
        () = interrupts.next() => Err("the job's end is not on record; the job ends when its lease runs out".to_owned()),
    }
}
