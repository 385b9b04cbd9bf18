//! What subscribers cost a session's commands: so many `WatchSession` streams in one session, one author
//! at a steady pace. Between any two numbers of streams stands a run with none, and the ratio is to
//! the runs beside it. Core, author and subscribers share the machine.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use roomcast_proto::v1;
use roomcast_proto::v1::session_service_client::SessionServiceClient;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::figure::Figure;
use crate::rpc::Core;
use crate::session::Session;

const SUBSCRIBERS: [usize; 3] = [1, 100, 1000];
/// Between two commands.
const PACE: Duration = Duration::from_millis(20);
/// Streams of one connection.
const STREAMS: usize = 100;
/// Authors at once, and subscribers meanwhile, where it is asked how many commands a second there can be.
const AUTHORS: usize = 16;
const CROWDED: usize = 100;
/// Streams have heard of everything by then.
const SETTLED: Duration = Duration::from_millis(500);

/// A row for each number of subscribers.
pub(crate) async fn measure(folder: &Path, span: Duration) -> anyhow::Result<String> {
    let mut page = String::from(
        "\n| WatchSession streams | a command | with none, before | after | ratio of p50 \
         | an event to a stream, p50/p99 |\n|---|---|---|---|---|---|\n",
    );
    let core = Core::serve(&folder.join("watch")).await?;
    let author = Author::new(&core).await?;
    let mut before = author.at_a_pace(span).await?;
    for subscribers in SUBSCRIBERS {
        let audience = Audience::gather(&core, &author, subscribers).await?;
        let with = author.at_a_pace(span).await?;
        let events = audience.leave().await?;
        let after = author.at_a_pace(span).await?;
        let none = (before.at(0.5) + after.at(0.5)) / 2;
        let _ = writeln!(
            page,
            "| {subscribers} | {} | {} | {} | {:.3} | {:.2}/{:.2} ms |",
            with.cell(),
            before.cell(),
            after.cell(),
            with.at(0.5).as_secs_f64() / none.as_secs_f64(),
            events.at(0.5).as_secs_f64() * 1000.0,
            events.at(0.99).as_secs_f64() * 1000.0,
        );
        before = after;
    }
    let audience = Audience::gather(&core, &author, CROWDED).await?;
    let most = author.race(span).await?;
    let events = audience.leave().await?;
    let _ = writeln!(
        page,
        "| {CROWDED}, {AUTHORS} authors without a pace | {} | | | | {:.0} events/s |",
        most.cell(),
        events.per_second(),
    );
    Ok(page)
}

/// A client that sends commands.
#[derive(Clone)]
struct Author {
    session: Session,
    begun: Instant,
}

impl Author {
    /// With a session of one node.
    async fn new(core: &Core) -> anyhow::Result<Author> {
        let session = Session::open(SessionServiceClient::new(core.channel().await?)).await?;
        let node = v1::Node { node_id: "n".into(), node_type: "box".into(), ..Default::default() };
        let create = v1::CreateNode { node: Some(node) };
        session.execute(v1::command::Kind::CreateNode(create)).await?;
        Ok(Author { session, begun: Instant::now() })
    }

    async fn at_a_pace(&self, span: Duration) -> anyhow::Result<Figure> {
        let (begin, mut latencies) = (Instant::now(), Vec::new());
        let mut ticks = tokio::time::interval(PACE);
        while begin.elapsed() < span {
            ticks.tick().await;
            latencies.push(self.touch().await?);
        }
        Ok(Figure::new(latencies, begin.elapsed()))
    }

    async fn race(&self, span: Duration) -> anyhow::Result<Figure> {
        let (begin, mut latencies, mut authors) = (Instant::now(), Vec::new(), JoinSet::new());
        for _ in 0..AUTHORS {
            let author = self.clone();
            authors.spawn(async move {
                let mut latencies = Vec::new();
                while begin.elapsed() < span {
                    latencies.push(author.touch().await?);
                }
                anyhow::Ok(latencies)
            });
        }
        while let Some(of_one) = authors.join_next().await {
            latencies.extend(of_one??);
        }
        Ok(Figure::new(latencies, begin.elapsed()))
    }

    /// Sets a property to the moment of its being set.
    async fn touch(&self) -> anyhow::Result<Duration> {
        let begin = Instant::now();
        let value = (begin - self.begun).as_nanos().to_string();
        let set = v1::SetProperty { node_id: "n".to_owned(), key: "at".to_owned(), value };
        self.session.execute(v1::command::Kind::SetProperty(set)).await?;
        Ok(begin.elapsed())
    }
}

/// Streams that follow the session.
struct Audience {
    streams: Vec<JoinHandle<anyhow::Result<Vec<Duration>>>>,
    began: Instant,
    stop: CancellationToken,
}

impl Audience {
    async fn gather(core: &Core, author: &Author, count: usize) -> anyhow::Result<Audience> {
        let stop = CancellationToken::new();
        let mut streams = Vec::new();
        for first in (0..count).step_by(STREAMS) {
            let sessions = SessionServiceClient::new(core.channel().await?);
            for _ in first..count.min(first + STREAMS) {
                let session_id = author.session.id.clone();
                let wanted = v1::WatchSessionRequest { session_id, ..Default::default() };
                let stream = sessions.clone().watch_session(wanted).await?.into_inner();
                streams.push(tokio::spawn(listen(stream, author.begun, stop.clone())));
            }
        }
        tokio::time::sleep(SETTLED).await;
        Ok(Audience { streams, began: Instant::now(), stop })
    }

    /// Answers how long each event was on its way to each stream.
    async fn leave(self) -> anyhow::Result<Figure> {
        let span = self.began.elapsed();
        tokio::time::sleep(SETTLED).await;
        self.stop.cancel();
        let mut latencies = Vec::new();
        for stream in self.streams {
            latencies.extend(stream.await??);
        }
        Ok(Figure::new(latencies, span))
    }
}

async fn listen(
    mut stream: tonic::Streaming<v1::WatchSessionResponse>,
    begun: Instant,
    stop: CancellationToken,
) -> anyhow::Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    loop {
        let message = tokio::select! {
            () = stop.cancelled() => return Ok(latencies),
            message = stream.message() => message?,
        };
        let frame = message.and_then(|message| message.frame);
        let frame = frame.ok_or_else(|| anyhow::anyhow!("a stream ended"))?;
        latencies.extend(sent(frame).map(|sent| begun.elapsed().saturating_sub(sent)));
    }
}

/// When the change was sent that this frame tells.
fn sent(frame: v1::watch_session_response::Frame) -> Option<Duration> {
    let v1::watch_session_response::Frame::Event(event) = frame else { return None };
    let Some(v1::event::Body::Session(fact)) = event.body else { return None };
    let Some(v1::session_event::Kind::PropertyChanged(changed)) = fact.kind else { return None };
    changed.value.parse().ok().map(Duration::from_nanos)
}
