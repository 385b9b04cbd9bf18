use anyhow::anyhow;
use roomcast_proto::v1::{NewEvent, PublishRequest};
use uuid::Uuid;

use crate::connection::{Connection, call};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::payload;
use crate::view::PublishedView;

const EXAMPLES: &str = "\
Examples:
  roomcast topic publish room:metrics --type system_metrics_update --data '{\"cpu\": 0.4}'
  roomcast topic publish user:42 --type greeting --data @greeting.json";

/// Publish an event to a room: or user: topic
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Its full name, such as room:metrics
    #[arg(value_name = "TOPIC")]
    topic: String,
    /// The event's type
    #[arg(long = "type", value_name = "TYPE")]
    event_type: String,
    /// The content: JSON, @FILE, or - for standard input
    #[arg(long, value_name = "CONTENT")]
    data: String,
    /// Media type of the content, if it is no JSON
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    /// Refuse unless the topic's head is at this offset
    #[arg(long, value_name = "OFFSET")]
    expected_offset: Option<u64>,
    /// The same key gives the same event for 24 h
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// The tenant it lives in, if a service publishes
    #[arg(long, default_value = "", value_name = "TENANT")]
    tenant: String,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(arguments: Arguments, output: Output) -> Result<Exit, Failure> {
    let payload = payload::read(&arguments.data, arguments.content_type.as_deref())?;
    let request = PublishRequest {
        topic: arguments.topic,
        event: Some(NewEvent { r#type: arguments.event_type, payload: Some(payload) }),
        expected_offset: arguments.expected_offset,
        // Should a proxy repeat the call, there is still one event.
        idempotency_key: arguments.idempotency_key.unwrap_or_else(|| Uuid::new_v4().to_string()),
        tenant: arguments.tenant,
    };
    let core = arguments.connection.open().await?;
    let answer = core.broadcast().publish(call(request)).await?.into_inner();
    let published = answer.published.ok_or_else(|| anyhow!("the core's answer names no event"))?;
    output.show(&PublishedView::of(&published))?;
    Ok(Exit::OK)
}
