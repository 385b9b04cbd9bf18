use roomcast_proto::v1::ListProjectsRequest;

use crate::connection::{Connection, call};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::paging::Paging;
use crate::view::ProjectLine;

/// List the projects you are a member of, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  roomcast project list --limit 10")]
pub(crate) struct Arguments {
    /// At most so many
    #[arg(long, default_value_t = 50, value_name = "COUNT")]
    limit: usize,
    /// Of this tenant, if a service asks
    #[arg(long, default_value = "", value_name = "TENANT")]
    tenant: String,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(arguments: Arguments, output: Output) -> Result<Exit, Failure> {
    let core = arguments.connection.open().await?;
    let mut heading = Some(ProjectLine::heading());
    let mut paging = Paging::new(arguments.limit);
    while let Some((page_size, page_token)) = paging.next() {
        let tenant = arguments.tenant.clone();
        let request = ListProjectsRequest { page_size, page_token, tenant };
        let page = core.sessions().list_projects(call(request)).await?.into_inner();
        output.heading(heading.take())?;
        for project in paging.take(&page.projects, &page.next_page_token) {
            output.show(&ProjectLine::of(project))?;
        }
    }
    Ok(Exit::OK)
}
