use roomcast_proto::v1::GetTopicRequest;

use crate::connection::{Connection, call};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::view::TopicView;

/// Show a topic's head and what is kept of it
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  roomcast topic get room:metrics")]
pub(crate) struct Arguments {
    /// Its full name, such as room:metrics
    #[arg(value_name = "TOPIC")]
    topic: String,
    /// The tenant it lives in, if a service asks
    #[arg(long, default_value = "", value_name = "TENANT")]
    tenant: String,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(arguments: Arguments, output: Output) -> Result<Exit, Failure> {
    let core = arguments.connection.open().await?;
    let request = GetTopicRequest { topic: arguments.topic, tenant: arguments.tenant };
    let topic = core.broadcast().get_topic(call(request)).await?.into_inner();
    output.show(&TopicView::of(&topic))?;
    Ok(Exit::OK)
}
