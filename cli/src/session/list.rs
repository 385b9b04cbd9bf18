use roomcast_proto::v1::ListSessionsRequest;

use crate::connection::{Connection, call};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::paging::Paging;
use crate::view::SessionLine;

/// List a project's sessions, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  roomcast session list 019a8f3e7c1d7f2a9b6e2f1d0c5a4b3e")]
pub(crate) struct Arguments {
    /// Of which
    #[arg(value_name = "PROJECT")]
    project_id: String,
    /// At most so many
    #[arg(long, default_value_t = 50, value_name = "COUNT")]
    limit: usize,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(arguments: Arguments, output: Output) -> Result<Exit, Failure> {
    let core = arguments.connection.open().await?;
    let mut heading = Some(SessionLine::heading());
    let mut paging = Paging::new(arguments.limit);
    while let Some((page_size, page_token)) = paging.next() {
        let project_id = arguments.project_id.clone();
        let request = ListSessionsRequest { project_id, page_size, page_token };
        let page = core.sessions().list_sessions(call(request)).await?.into_inner();
        output.heading(heading.take())?;
        for session in paging.take(&page.sessions, &page.next_page_token) {
            output.show(&SessionLine::of(session))?;
        }
    }
    Ok(Exit::OK)
}
