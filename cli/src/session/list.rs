use roomcast_proto::v1::ListSessionsRequest;

use crate::connection::{Connection, call};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
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

/// The core's largest page.
const PAGE_SIZE_MAX: usize = 200;

pub(super) async fn run(arguments: Arguments, output: Output) -> Result<Exit, Failure> {
    let core = arguments.connection.open().await?;
    if !output.is_json() {
        output.line(SessionLine::heading())?;
    }
    let mut left = arguments.limit;
    let mut page_token = String::new();
    while left > 0 {
        let page_size = i32::try_from(left.min(PAGE_SIZE_MAX)).unwrap_or(0);
        let project_id = arguments.project_id.clone();
        let request = ListSessionsRequest { project_id, page_size, page_token };
        let page = core.sessions().list_sessions(call(request)).await?.into_inner();
        for session in page.sessions.iter().take(left) {
            output.show(&SessionLine::of(session))?;
        }
        left = left.saturating_sub(page.sessions.len());
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    Ok(Exit::OK)
}
