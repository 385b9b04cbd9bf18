use std::time::{Duration, SystemTime};

use roomcast_proto::v1::{CreateJobRequest, RetryPolicy, Timeouts};
use uuid::Uuid;

use super::{known, watch};
use crate::connection::{Connection, call};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::label::{self, Label};
use crate::output::Output;
use crate::view::JobView;
use crate::{payload, span};

const EXAMPLES: &str = "\
Examples:
  roomcast job create --kind report --input '{\"month\": \"2026-10\"}'
  roomcast job create --kind report --input @month.json --delay 5m --watch";

/// Create a job
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// What kind of work: workers choose by it
    #[arg(long, value_name = "KIND")]
    kind: String,
    /// What to work on: JSON, @FILE, or - for standard input
    #[arg(long, value_name = "CONTENT")]
    input: Option<String>,
    /// Media type of the input, if it is no JSON
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    /// The user it belongs to, if a service creates it
    #[arg(long, value_name = "USER")]
    owner: Option<String>,
    /// The tenant it lives in, if a service creates it
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// The project it belongs to
    #[arg(long, value_name = "ID")]
    project: Option<String>,
    /// The session it works for; its project is the job's
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// -100 to 100; higher is sooner
    #[arg(long, default_value_t = 0, allow_hyphen_values = true, value_name = "NUMBER")]
    priority: i32,
    /// Start no earlier than this from now
    #[arg(long, value_name = "TIME", value_parser = span::parse)]
    delay: Option<Duration>,
    /// Attempts in all [default: 3]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    max_attempts: Option<u32>,
    /// Fail if no worker has started it by then [default: 24h]
    #[arg(long, value_name = "TIME", value_parser = span::parse)]
    start_timeout: Option<Duration>,
    /// Longest time for one attempt
    #[arg(long, value_name = "TIME", value_parser = span::parse)]
    attempt_timeout: Option<Duration>,
    /// Longest time for all attempts together
    #[arg(long, value_name = "TIME", value_parser = span::parse)]
    total_timeout: Option<Duration>,
    /// A label; repeat for more
    #[arg(long = "label", value_name = "KEY=VALUE")]
    labels: Vec<Label>,
    /// The same key gives the same job for 24 h
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Follow it to its end
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(arguments: Arguments, output: Output) -> Result<Exit, Failure> {
    let request = request(&arguments)?;
    let core = arguments.connection.open().await?;
    let job = known(core.jobs().create_job(call(request)).await?.into_inner().job)?;
    if arguments.watch {
        return watch::follow(&core, &job.job_id, output).await;
    }
    output.show(&JobView::of(&job))?;
    Ok(Exit::OK)
}

fn request(arguments: &Arguments) -> Result<CreateJobRequest, Failure> {
    let input = arguments.input.as_deref();
    let input = input.map(|input| payload::read(input, arguments.content_type.as_deref()));
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let span = |span: Option<Duration>| span.and_then(span::to_proto);
    Ok(CreateJobRequest {
        kind: arguments.kind.clone(),
        input: input.transpose()?,
        owner: text(&arguments.owner),
        tenant: text(&arguments.tenant),
        project_id: text(&arguments.project),
        session_id: text(&arguments.session),
        priority: arguments.priority,
        run_at: arguments.delay.map(|delay| (SystemTime::now() + delay).into()),
        retry: arguments
            .max_attempts
            .map(|max_attempts| RetryPolicy { max_attempts, ..RetryPolicy::default() }),
        timeouts: Some(Timeouts {
            schedule_to_start: span(arguments.start_timeout),
            attempt: span(arguments.attempt_timeout),
            total: span(arguments.total_timeout),
        }),
        labels: label::map(arguments.labels.iter().cloned()),
        // Should a proxy repeat the call, there is still one job.
        idempotency_key: arguments
            .idempotency_key
            .clone()
            .unwrap_or_else(|| Uuid::new_v4().to_string()),
        pinned_worker_id: String::new(),
    })
}
