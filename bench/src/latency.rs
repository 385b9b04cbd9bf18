//! What a user waits for: a job's start, and an event on the way to a browser.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::Parser;
use roomcast_proto::v1;
use roomcast_proto::v1::broadcast_service_client::BroadcastServiceClient;
use roomcast_proto::v1::job_service_client::JobServiceClient;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use crate::figure::Figure;
use crate::gateway::Socket;
use crate::load::open_loop;
use crate::rpc::{self, Core};

const EVENTS_PER_SECOND: u32 = 1000;
/// Between two jobs: the core is idle.
const PAUSE: Duration = Duration::from_millis(5);

/// From `CreateJob` to the assignment on a connected worker's stream, one at a time.
pub(crate) async fn start(folder: &Path, span: Duration) -> anyhow::Result<String> {
    let core = Core::serve(&folder.join("start")).await?;
    let mut creator = JobServiceClient::new(core.channel().await?);
    let mut worker = JobServiceClient::new(core.channel().await?);
    let (requests, receiver) = mpsc::channel(64);
    requests.send(hello()).await?;
    let mut responses = worker.work(ReceiverStream::new(receiver)).await?.into_inner();
    let end = Instant::now() + span;
    let mut latencies = Vec::new();
    while Instant::now() < end {
        let begin = Instant::now();
        let request = v1::CreateJobRequest { kind: "bench".into(), ..Default::default() };
        let created = creator.create_job(request).await?.into_inner();
        let assignment = loop {
            let response = responses.message().await?.and_then(|message| message.response);
            match response {
                Some(v1::work_response::Response::Assignment(assignment)) => break assignment,
                Some(_) => {}
                None => anyhow::bail!("the worker's stream ended"),
            }
        };
        latencies.push(begin.elapsed());
        let job_id = created.job.map(|job| job.job_id).unwrap_or_default();
        requests.send(completed(job_id, assignment.fence)).await?;
        tokio::time::sleep(PAUSE).await;
    }
    let figure = Figure::new(latencies, span);
    Ok(format!("\n| job create → worker has it, idle | {} |\n|---|---|\n", figure.cell()))
}

fn hello() -> v1::WorkRequest {
    let hello = v1::WorkerHello {
        worker_id: "bench".into(),
        kinds: vec!["bench".into()],
        slots: 16,
        ..v1::WorkerHello::default()
    };
    v1::WorkRequest { request: Some(v1::work_request::Request::Hello(hello)) }
}

fn completed(job_id: String, fence: u64) -> v1::WorkRequest {
    let report = v1::Report {
        job_id,
        fence,
        number: 1,
        end: Some(v1::report::End::Completed(v1::Completion::default())),
        ..v1::Report::default()
    };
    v1::WorkRequest { request: Some(v1::work_request::Request::Report(report)) }
}

/// From `Publish` to the event on a socket that joined its topic, at a steady rate. The topic is the
/// developer's own, which every socket may join.
pub(crate) async fn socket(folder: &Path, span: Duration) -> anyhow::Result<String> {
    let core = Core::serve(&folder.join("socket")).await?;
    let client = BroadcastServiceClient::new(core.channel().await?);
    let edge = TcpListener::bind("127.0.0.1:0").await?;
    let address = edge.local_addr()?;
    let stop = CancellationToken::new();
    let core_url = format!("http://{}", core.address);
    let settings = Edge::parse_from(["edge", "--dev", "--auth", "dev", "--core", &core_url]);
    let serving = tokio::spawn(roomcast_edge::serve(settings.config, edge, stop.clone()));
    let mut socket = Socket::connect(&address.to_string()).await?;
    socket.send(r#"420["subscribe_jobs",{}]"#).await?;
    socket.until("430").await?;

    let sent: Arc<Mutex<HashMap<u64, Instant>>> = Arc::default();
    let begun = sent.clone();
    let listening = tokio::spawn(async move {
        let mut latencies = Vec::new();
        loop {
            let packet = socket.until(r#"42["tick""#).await?;
            let number = number(&packet).ok_or_else(|| anyhow::anyhow!("a foreign event"))?;
            let begin = begun.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
            latencies.extend(begin.map(|begin| begin.elapsed()));
            if number == LAST {
                return anyhow::Ok(latencies);
            }
        }
    });
    let begin = Instant::now();
    let publisher = client.clone();
    open_loop(EVENTS_PER_SECOND, span, |number| {
        sent.lock().unwrap_or_else(PoisonError::into_inner).insert(number, Instant::now());
        publish(publisher.clone(), number)
    })
    .await?;
    publish(client, LAST).await?;
    let figure = Figure::new(listening.await??, begin.elapsed());
    stop.cancel();
    serving.await??;
    Ok(format!("\n| publish → socket, {EVENTS_PER_SECOND}/s | {} |\n|---|---|\n", figure.cell()))
}

/// An edge's settings, as its command line would give them.
#[derive(Debug, Parser)]
struct Edge {
    #[command(flatten)]
    config: roomcast_edge::Config,
}

/// Ends the listening.
const LAST: u64 = u64::MAX >> 16;

async fn publish(
    mut client: BroadcastServiceClient<tonic::transport::Channel>,
    number: u64,
) -> anyhow::Result<()> {
    let mut request = rpc::publish("", Bytes::from(format!("{{\"n\":{number}}}")));
    request.topic = "user:dev".into();
    client.publish(request).await?;
    Ok(())
}

fn number(packet: &str) -> Option<u64> {
    let digits = packet.split_once("\"n\":")?.1;
    digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
