use clap::ValueEnum;
use roomcast_proto::v1::{JobState, ListJobsRequest};

use crate::connection::{Connection, call};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::label::{self, Label};
use crate::output::Output;
use crate::paging::Paging;
use crate::view::JobLine;

const EXAMPLES: &str = "\
Examples:
  roomcast job list --state running
  roomcast job list --kind report --label branch=main --limit 200 -o json";

/// List jobs, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Only this user's
    #[arg(long, default_value = "", value_name = "USER")]
    owner: String,
    /// Only this kind
    #[arg(long, default_value = "", value_name = "KIND")]
    kind: String,
    /// Only in this state; repeat for more
    #[arg(long = "state", value_name = "STATE")]
    states: Vec<State>,
    /// Only with this label; repeat for more
    #[arg(long = "label", value_name = "KEY=VALUE")]
    labels: Vec<Label>,
    /// Only this project's
    #[arg(long, default_value = "", value_name = "ID")]
    project: String,
    /// Only this tenant's, if a service asks
    #[arg(long, default_value = "", value_name = "TENANT")]
    tenant: String,
    /// At most so many
    #[arg(long, default_value_t = 50, value_name = "COUNT")]
    limit: usize,
    #[command(flatten)]
    connection: Connection,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    Scheduled,
    Queued,
    Running,
    Cancelling,
    Completed,
    Failed,
    Cancelled,
}

pub(super) async fn run(arguments: Arguments, output: Output) -> Result<Exit, Failure> {
    let core = arguments.connection.open().await?;
    let mut heading = Some(JobLine::heading());
    let mut paging = Paging::new(arguments.limit);
    while let Some(page) = paging.next() {
        let page = core.jobs().list_jobs(call(request(&arguments, page))).await?.into_inner();
        output.heading(heading.take())?;
        for job in paging.take(&page.jobs, &page.next_page_token) {
            output.show(&JobLine::of(job))?;
        }
    }
    Ok(Exit::OK)
}

fn request(arguments: &Arguments, (page_size, page_token): (i32, String)) -> ListJobsRequest {
    ListJobsRequest {
        owner: arguments.owner.clone(),
        kind: arguments.kind.clone(),
        states: arguments.states.iter().map(|state| JobState::from(*state).into()).collect(),
        labels: label::map(arguments.labels.iter().cloned()),
        project_id: arguments.project.clone(),
        page_size,
        page_token,
        tenant: arguments.tenant.clone(),
    }
}

impl From<State> for JobState {
    fn from(state: State) -> Self {
        match state {
            State::Scheduled => JobState::Scheduled,
            State::Queued => JobState::Queued,
            State::Running => JobState::Running,
            State::Cancelling => JobState::Cancelling,
            State::Completed => JobState::Completed,
            State::Failed => JobState::Failed,
            State::Cancelled => JobState::Cancelled,
        }
    }
}
