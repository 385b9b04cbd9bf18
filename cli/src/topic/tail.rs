use roomcast_proto::v1::{
    Event, JobList, LastValues, ListEventsRequest, TopicSnapshot, WatchTopicRequest,
    topic_snapshot::State,
};
use tonic::Request;

use crate::connection::{Connection, Core, call};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::Follow;
use crate::frame::{Frame, Snapshot};
use crate::output::Output;
use crate::view::{EventView, JobView, ResetView, SnapshotView};

const EXAMPLES: &str = "\
Examples:
  roomcast topic tail room:metrics
  roomcast topic tail room:metrics --last 20
  roomcast topic tail room:metrics --all --no-follow -o json | jq -c .data
  roomcast topic tail job:019a8f3e7c1d7f2a9b6e2f1d0c5a4b3e --types job.progress";

/// Follow a topic: its state, then every event
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Its full name, such as room:metrics
    #[arg(value_name = "TOPIC")]
    topic: String,
    /// Go on after this cursor
    #[arg(long, default_value = "", value_name = "CURSOR", conflicts_with = "all")]
    since: String,
    /// Begin with the oldest event that is kept
    #[arg(long)]
    all: bool,
    /// Begin with the newest events, so many, 1 to 1000
    #[arg(
        short = 'n',
        long,
        value_name = "COUNT",
        value_parser = clap::value_parser!(i32).range(1..=1000),
        conflicts_with_all = ["since", "all"]
    )]
    last: Option<i32>,
    /// Only these types, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "TYPES")]
    types: Vec<String>,
    /// End when all that is there has been shown
    #[arg(long)]
    no_follow: bool,
    /// The tenant it lives in, if a service asks
    #[arg(long, default_value = "", value_name = "TENANT")]
    tenant: String,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(arguments: Arguments, output: Output) -> Result<Exit, Failure> {
    let core = arguments.connection.open().await?;
    let tail = Tail { arguments, core, output };
    let reads = tail.arguments.all || tail.arguments.last.is_some();
    let since = if reads { tail.kept().await? } else { tail.arguments.since.clone() };
    // The log has been read to its head.
    if reads && tail.arguments.no_follow {
        return Ok(Exit::OK);
    }
    tail.follow(since).await
}

struct Tail {
    arguments: Arguments,
    core: Core,
    output: Output,
}

impl Tail {
    /// Shows what is kept, all of it or the newest; answers where to go on.
    async fn kept(&self) -> Result<String, Failure> {
        let (mut since, mut last) = (String::new(), self.arguments.last.unwrap_or(0));
        loop {
            let request = ListEventsRequest {
                topic: self.arguments.topic.clone(),
                since,
                page_size: 0,
                types: self.arguments.types.clone(),
                tenant: self.arguments.tenant.clone(),
                last: std::mem::take(&mut last),
            };
            let page = self.core.broadcast().list_events(call(request)).await?.into_inner();
            if let Some(reset) = &page.reset {
                self.output.remark(&ResetView::of(reset))?;
            }
            for event in &page.events {
                self.event(event)?;
            }
            if page.cursor == page.head || page.cursor.is_empty() {
                return Ok(page.cursor);
            }
            since = page.cursor;
        }
    }

    async fn follow(&self, since: String) -> Result<Exit, Failure> {
        let open = async |since: String| {
            let request = WatchTopicRequest {
                topic: self.arguments.topic.clone(),
                since,
                types: self.arguments.types.clone(),
                tenant: self.arguments.tenant.clone(),
            };
            Ok(self.core.broadcast().watch_topic(Request::new(request)).await?.into_inner())
        };
        let mut follow = Follow::open(open, since, self.output).await?;
        while let Some(frame) = follow.next().await? {
            match frame {
                Frame::Snapshot(snapshot) => match *snapshot {
                    Snapshot::Topic(snapshot) => self.snapshot(&snapshot)?,
                    Snapshot::Job(_) | Snapshot::Session(_) => {}
                },
                Frame::Event(event) => self.event(&event)?,
                Frame::Reset(reset) => self.output.remark(&ResetView::of(&reset))?,
                Frame::CaughtUp { .. } if self.arguments.no_follow => break,
                Frame::CaughtUp { .. }
                | Frame::Heartbeat { .. }
                | Frame::Closed(_)
                | Frame::Unknown => {}
            }
        }
        Ok(Exit::OK)
    }

    fn event(&self, event: &Event) -> Result<(), Failure> {
        self.output.show(&EventView::of(event))
    }

    fn snapshot(&self, snapshot: &TopicSnapshot) -> Result<(), Failure> {
        if self.output.is_json() {
            return self.output.json(&SnapshotView::of(snapshot));
        }
        match &snapshot.state {
            Some(State::Job(job)) => self.output.line(JobView::of(job)),
            Some(State::Jobs(JobList { jobs })) => {
                self.output.note(format_args!("{} jobs", jobs.len()));
                Ok(())
            }
            Some(State::LastValues(LastValues { events })) => {
                events.iter().try_for_each(|event| self.event(event))
            }
            Some(State::Session(session)) => {
                self.output.note(format_args!("{} graphs", session.graphs.len()));
                Ok(())
            }
            None => Ok(()),
        }
    }
}
