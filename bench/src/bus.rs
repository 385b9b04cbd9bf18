//! From a publish at one core to a subscriber at another: cores on one PostgreSQL with Redis between
//! them, and with Redis dead. Cores, database, publisher and subscribers share the machine.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use roomcast_core::Config;
use roomcast_proto::v1::broadcast_service_client::BroadcastServiceClient;
use roomcast_proto::v1::{WatchTopicRequest, watch_topic_response::Frame};
use roomcast_test_servers::{Postgres, Redis};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;
use tonic::transport::Channel;

use crate::figure::Figure;
use crate::load::open_loop;
use crate::rpc::{Core, publish};
use crate::server::{postgres, redis};

const RATES: [u32; 3] = [200, 1000, 5000];
/// Rooms published to, each with one subscriber.
const ROOMS: u64 = 16;
/// Cores know each other, or know that Redis has gone; streams have heard of everything.
const SETTLED: Duration = Duration::from_secs(2);

/// A row for each number of cores, and one without Redis.
pub(crate) async fn measure(folder: &Path, on: &Path, span: Duration) -> anyhow::Result<String> {
    let rates: Vec<String> = RATES.iter().map(|rate| format!("{rate}/s")).collect();
    let mut page = format!("\n| publish → subscriber | {} |\n", rates.join(" | "));
    writeln!(page, "|---|{}", "---|".repeat(rates.len()))?;
    let rows = [
        ("1 core, its own subscriber", 1, true),
        ("2 cores, the other's subscriber", 2, true),
        ("3 cores, another's subscriber", 3, true),
        ("2 cores, the other's subscriber, Redis dead", 2, false),
    ];
    for (name, count, has_redis) in rows {
        let mut cluster = Cluster::start(folder, on, count).await?;
        if !has_redis {
            cluster.redis.kill();
        }
        tokio::time::sleep(SETTLED).await;
        let mut cells = Vec::new();
        for rate in RATES {
            cells.push(cluster.at_rate(rate, span).await?.cell());
        }
        writeln!(page, "| {name} | {} |", cells.join(" | "))?;
    }
    Ok(page)
}

/// Cores in this process, on servers of their own.
struct Cluster {
    // Ended first: a core whose database has gone would say so.
    cores: Vec<Core>,
    redis: Redis,
    _postgres: Postgres,
}

impl Cluster {
    async fn start(folder: &Path, on: &Path, count: usize) -> anyhow::Result<Cluster> {
        let (postgres, redis) = (postgres(on), redis());
        let mut cores = Vec::new();
        for _ in 0..count {
            let mut config = Config::development(folder.to_owned());
            config.store = Some(postgres.url().parse()?);
            config.bus = Some(redis.url().parse()?);
            // One caller stands for many here.
            config.requests_per_second = 0;
            cores.push(Core::serve_with(config).await?);
        }
        Ok(Cluster { cores, redis, _postgres: postgres })
    }

    /// How long events are on their way from the first core to the last one's subscribers.
    async fn at_rate(&self, rate: u32, span: Duration) -> anyhow::Result<Figure> {
        let (Some(first), Some(last)) = (self.cores.first(), self.cores.last()) else {
            anyhow::bail!("there is no core");
        };
        let client = BroadcastServiceClient::new(first.channel().await?);
        let (begun, stop) = (Instant::now(), CancellationToken::new());
        let mut listening: Vec<JoinHandle<anyhow::Result<Vec<Duration>>>> = Vec::new();
        let mut watcher = BroadcastServiceClient::new(last.channel().await?);
        for room in 0..ROOMS {
            // So that there is a topic to watch.
            tell(client.clone(), room, begun).await?;
            let topic = format!("room:room-{room}");
            let wanted = WatchTopicRequest { topic, ..WatchTopicRequest::default() };
            let stream = watcher.watch_topic(wanted).await?.into_inner();
            listening.push(tokio::spawn(listen(stream, begun, stop.clone())));
        }
        tokio::time::sleep(SETTLED).await;
        let from = Instant::now();
        open_loop(rate, span, |number| tell(client.clone(), number % ROOMS, begun)).await?;
        let took = from.elapsed();
        tokio::time::sleep(SETTLED).await;
        stop.cancel();
        let mut latencies = Vec::new();
        for stream in listening {
            latencies.extend(stream.await??);
        }
        Ok(Figure::new(latencies, took))
    }
}

/// Publishes the moment of its being published.
async fn tell(
    mut client: BroadcastServiceClient<Channel>,
    room: u64,
    begun: Instant,
) -> anyhow::Result<()> {
    let body = Bytes::from(format!("{{\"at\":{}}}", begun.elapsed().as_nanos()));
    client.publish(publish(&format!("room-{room}"), body)).await?;
    Ok(())
}

/// What comes after the stream has caught up, until it is told to stop.
async fn listen(
    mut stream: Streaming<roomcast_proto::v1::WatchTopicResponse>,
    begun: Instant,
    stop: CancellationToken,
) -> anyhow::Result<Vec<Duration>> {
    let (mut latencies, mut is_live) = (Vec::new(), false);
    loop {
        let message = tokio::select! {
            () = stop.cancelled() => return Ok(latencies),
            message = stream.message() => message?,
        };
        match message.and_then(|message| message.frame) {
            Some(Frame::Event(event)) if is_live => {
                latencies.extend(sent(event).map(|at| begun.elapsed().saturating_sub(at)));
            }
            Some(Frame::CaughtUp(_)) => is_live = true,
            Some(_) => {}
            None => anyhow::bail!("a stream ended"),
        }
    }
}

/// When an event was published.
fn sent(event: roomcast_proto::v1::Event) -> Option<Duration> {
    let Some(roomcast_proto::v1::event::Body::Payload(payload)) = event.body else { return None };
    let text = std::str::from_utf8(&payload.data).ok()?;
    let digits = text.split_once(':')?.1.trim_end_matches('}');
    digits.parse().ok().map(Duration::from_nanos)
}
