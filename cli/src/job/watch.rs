use indicatif::{ProgressBar, ProgressStyle};
use roomcast_edge::names::status_word;
use roomcast_proto::v1::{
    Event, GetJobRequest, Job, JobEvent, JobState, WatchJobRequest, event, job_event::Kind,
};
use tonic::Request;

use super::known;
use crate::connection::{Connection, Core, call};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::Follow;
use crate::frame::{Frame, Snapshot};
use crate::output::{self, Output};
use crate::view::{EventView, JobFrame, ResetView};

const EXAMPLES: &str = "\
Examples:
  roomcast job watch 019a8f3e-7c1d-7f2a-9b6e-2f1d0c5a4b3e
  roomcast job watch 019a8f3e-7c1d-7f2a-9b6e-2f1d0c5a4b3e -o json | jq .data.progress

Ends with 0 when the job completes, with 1 when it fails or is cancelled.";

/// Follow a job to its end: its output, its progress, its result
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Which
    #[arg(value_name = "JOB")]
    job_id: String,
    /// Go on after this cursor
    #[arg(long, default_value = "", value_name = "CURSOR")]
    since: String,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(arguments: Arguments, output: Output) -> Result<Exit, Failure> {
    let core = arguments.connection.open().await?;
    watch(&core, &arguments.job_id, arguments.since, output).await
}

/// Follows a job from where it stands.
pub(super) async fn follow(core: &Core, job_id: &str, output: Output) -> Result<Exit, Failure> {
    watch(core, job_id, String::new(), output).await
}

async fn watch(core: &Core, job_id: &str, since: String, output: Output) -> Result<Exit, Failure> {
    let open = async |since: String| {
        let request = WatchJobRequest { job_id: job_id.to_owned(), since, types: Vec::new() };
        Ok(core.jobs().watch_job(Request::new(request)).await?.into_inner())
    };
    let mut follow = Follow::open(open, since, output).await?;
    let screen = Screen::new(output);
    while let Some(frame) = follow.next().await? {
        screen.show(&frame)?;
    }
    screen.clear();
    // The end as the job itself tells it: the stream may have begun after its last event.
    let request = GetJobRequest { job_id: job_id.to_owned() };
    let job = known(core.jobs().get_job(call(request)).await?.into_inner().job)?;
    if output.is_json() {
        output.json(&JobFrame::end(&job))?;
    } else {
        output.note(summary(&job));
    }
    Ok(if job.state() == JobState::Completed { Exit::OK } else { Exit::FAILED })
}

fn summary(job: &Job) -> String {
    let detail = match (&job.error, &job.result) {
        (Some(fault), _) => format!(": {} [{}]", fault.message, fault.code),
        (None, Some(result)) => {
            std::str::from_utf8(&result.data).map_or_else(|_| String::new(), |it| format!(": {it}"))
        }
        (None, None) => String::new(),
    };
    format!("job {} {}{detail}", job.job_id, status_word(job.state()))
}

/// Where a watched job appears: output on standard output, the rest beside it.
struct Screen {
    output: Output,
    bar: Option<ProgressBar>,
}

impl Screen {
    fn new(output: Output) -> Self {
        let bar = output.is_interactive().then(|| {
            let style = ProgressStyle::with_template("{bar:32} {percent:>3}% {elapsed} {wide_msg}");
            ProgressBar::new(100).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { output, bar }
    }

    fn show(&self, frame: &Frame) -> Result<(), Failure> {
        match frame {
            Frame::Snapshot(snapshot) => match &**snapshot {
                Snapshot::Job(job) => self.job(job),
                Snapshot::Topic(_) => Ok(()),
            },
            Frame::Event(event) => self.event(event),
            Frame::Reset(reset) => self.output.remark(&ResetView::of(reset)),
            Frame::CaughtUp { .. }
            | Frame::Heartbeat { .. }
            | Frame::Closed(_)
            | Frame::Unknown => Ok(()),
        }
    }

    fn job(&self, job: &Job) -> Result<(), Failure> {
        if self.output.is_json() {
            return self.output.json(&JobFrame::snapshot(job));
        }
        let progress = job.progress.clone().unwrap_or_default();
        self.progress(job.state(), progress.percent, &progress.message);
        Ok(())
    }

    fn event(&self, event: &Event) -> Result<(), Failure> {
        if self.output.is_json() {
            return self.output.json(&EventView::of(event));
        }
        let Some(event::Body::Job(job)) = &event.body else { return Ok(()) };
        match &job.kind {
            Some(Kind::Output(written)) => match &self.bar {
                Some(bar) => bar.suspend(|| output::raw(&written.data)),
                None => output::raw(&written.data),
            },
            Some(_) | None => {
                self.progress(job.state(), job.percent, message(job));
                Ok(())
            }
        }
    }

    fn progress(&self, state: JobState, percent: f64, message: &str) {
        let Some(bar) = &self.bar else {
            self.output.note(format!("{} {percent:.0}% {message}", status_word(state)).trim_end());
            return;
        };
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float to integer cast saturates"
        )]
        bar.set_position(percent as u64);
        bar.set_message(format!("{} {message}", status_word(state)));
    }

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn message(job: &JobEvent) -> &str {
    match &job.kind {
        Some(Kind::Progressed(progressed)) => {
            progressed.progress.as_ref().map_or("", |progress| &progress.message)
        }
        Some(Kind::CancelRequested(asked)) => &asked.reason,
        Some(Kind::Failed(failed)) => failed.error.as_ref().map_or("", |fault| &fault.message),
        Some(Kind::Cancelled(cancelled)) => &cancelled.reason,
        Some(
            Kind::Created(_)
            | Kind::Queued(_)
            | Kind::Started(_)
            | Kind::Output(_)
            | Kind::Used(_)
            | Kind::Completed(_),
        )
        | None => "",
    }
}
