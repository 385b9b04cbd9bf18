mod screen;
mod written;

use roomcast_edge::names::status_word;
use roomcast_proto::v1::{
    GetJobRequest, Job, JobOutput, JobState, ReadJobOutputRequest, WatchJobRequest,
};
use tonic::Request;

use self::screen::Screen;
use super::known;
use crate::connection::{Connection, Core, call};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::Follow;
use crate::frame::{Frame, Snapshot};
use crate::output::Output;
use crate::view::{JobFrame, ResetView};

const EXAMPLES: &str = "\
Examples:
  roomcast job watch 019a8f3e7c1d7f2a9b6e2f1d0c5a4b3e
  roomcast job watch 019a8f3e7c1d7f2a9b6e2f1d0c5a4b3e -o json | jq .data.progress

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
    let mut screen = Screen::new(output);
    while let Some(frame) = follow.next().await? {
        match frame {
            Frame::Snapshot(snapshot) => {
                if let Snapshot::Job(job) = *snapshot {
                    catch_up(core, &job, &mut screen).await?;
                }
            }
            Frame::Event(event) => screen.event(&event)?,
            Frame::Reset(reset) => output.remark(&ResetView::of(&reset))?,
            Frame::CaughtUp { .. }
            | Frame::Heartbeat { .. }
            | Frame::Closed(_)
            | Frame::Unknown => {}
        }
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

/// Shows a job as it stands, with the output that it wrote before.
async fn catch_up(core: &Core, job: &Job, screen: &mut Screen) -> Result<(), Failure> {
    for (channel, mut from, end) in screen.job(job)? {
        while from < end {
            let request = ReadJobOutputRequest {
                job_id: job.job_id.clone(),
                channel: channel.clone(),
                attempt: job.attempt,
                from,
                max_bytes: 0,
            };
            let page = core.jobs().read_job_output(call(request)).await?.into_inner();
            let (offset, data) = (page.start.max(from), page.data);
            if offset > from {
                let gone = "is past its retention";
                screen.note(&format!("{channel}: what was written before byte {offset} {gone}"));
            }
            if data.is_empty() {
                break;
            }
            from = page.next;
            screen.output(job.attempt, &JobOutput { channel: channel.clone(), offset, data })?;
        }
    }
    Ok(())
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
