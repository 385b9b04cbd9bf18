use roomcast_proto::v1::WatchSessionRequest;
use tonic::Request;

use crate::connection::Connection;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::Follow;
use crate::frame::{Frame, Snapshot};
use crate::output::Output;
use crate::view::{EventView, ResetView, SessionFrame};

const EXAMPLES: &str = "\
Examples:
  roomcast session watch 019a8f3e7c1d7f2a9b6e2f1d0c5a4b3e
  roomcast session watch 019a8f3e7c1d7f2a9b6e2f1d0c5a4b3e --types command.failed -o json";

/// Follow a session until it is closed: what is in it, then every event
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Which
    #[arg(value_name = "SESSION")]
    session_id: String,
    /// Go on after this cursor
    #[arg(long, default_value = "", value_name = "CURSOR")]
    since: String,
    /// Only these types, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "TYPES")]
    types: Vec<String>,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(arguments: Arguments, output: Output) -> Result<Exit, Failure> {
    let core = arguments.connection.open().await?;
    let open = async |since: String| {
        let (session_id, types) = (arguments.session_id.clone(), arguments.types.clone());
        let request = Request::new(WatchSessionRequest { session_id, since, types });
        Ok(core.sessions().watch_session(request).await?.into_inner())
    };
    let mut follow = Follow::open(open, arguments.since.clone(), output).await?;
    while let Some(frame) = follow.next().await? {
        match frame {
            Frame::Snapshot(snapshot) => {
                if let Snapshot::Session(snapshot) = &*snapshot {
                    output.show(&SessionFrame::snapshot(snapshot))?;
                }
            }
            Frame::Event(event) => output.show(&EventView::of(&event))?,
            Frame::Reset(reset) => output.remark(&ResetView::of(&reset))?,
            Frame::CaughtUp { .. }
            | Frame::Heartbeat { .. }
            | Frame::Closed(_)
            | Frame::Unknown => {}
        }
    }
    Ok(Exit::OK)
}
