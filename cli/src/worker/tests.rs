//! Against a real core, on loopback and in this process.

use std::net::SocketAddr;
use std::path::Path;

use bytes::Bytes;
use clap::Parser as _;
use roomcast_proto::v1::{
    CancelJobRequest, Cancellation, Completion, CreateJobRequest, GetJobRequest, JobState,
    OutputChunk, ReadJobOutputRequest,
};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;
use crate::connection::{Connection, Core};

/// Longer than any of this takes, shorter than a person's patience.
const DEADLINE: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Parser)]
struct Line {
    #[command(flatten)]
    connection: Connection,
}

/// A core that can be ended and started again on its data and address.
struct Server {
    folder: tempfile::TempDir,
    address: SocketAddr,
    running: Option<(CancellationToken, JoinHandle<anyhow::Result<()>>)>,
}

impl Server {
    async fn start() -> Server {
        let folder = tempfile::tempdir().unwrap();
        let (address, running) = serve(folder.path(), ([127, 0, 0, 1], 0).into()).await;
        Server { folder, address, running: Some(running) }
    }

    async fn end(&mut self) {
        let (stop, serving) = self.running.take().unwrap();
        stop.cancel();
        serving.await.unwrap().unwrap();
    }

    async fn start_again(&mut self) {
        self.running = Some(serve(self.folder.path(), self.address).await.1);
    }

    async fn connect(&self) -> Core {
        let url = format!("http://{}", self.address);
        let line = Line::try_parse_from(["test", "--core", &url]).unwrap();
        line.connection.open().await.unwrap()
    }
}

async fn serve(
    folder: &Path,
    address: SocketAddr,
) -> (SocketAddr, (CancellationToken, JoinHandle<anyhow::Result<()>>)) {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let config = roomcast_core::Config::development(folder.to_owned());
    let serving = tokio::spawn(roomcast_core::serve(config, listener, stop.clone()));
    (address, (stop, serving))
}

async fn create(core: &Core) -> String {
    let request = CreateJobRequest { kind: "test".into(), ..CreateJobRequest::default() };
    let answer = core.jobs().create_job(request).await.unwrap().into_inner();
    answer.job.unwrap().job_id
}

fn worker(core: &Core) -> Worker {
    let hello = WorkerHello {
        worker_id: "test".into(),
        kinds: vec!["test".into()],
        slots: 1,
        ..WorkerHello::default()
    };
    Worker::start(core.work(), hello)
}

fn line(offset: u64) -> News {
    let data = Bytes::from_static(b"line\n");
    let chunk = OutputChunk { channel: "stdout".into(), offset, data };
    News { output: vec![chunk], ..News::default() }
}

async fn output(core: &Core, job_id: &str) -> usize {
    let request = ReadJobOutputRequest { job_id: job_id.into(), ..Default::default() };
    core.jobs().read_job_output(request).await.unwrap().into_inner().data.len()
}

async fn state(core: &Core, job_id: &str) -> JobState {
    let request = GetJobRequest { job_id: job_id.into() };
    core.jobs().get_job(request).await.unwrap().into_inner().job.unwrap().state()
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.expect("it did not happen in time")
}

#[tokio::test]
async fn a_restart_of_the_core_loses_no_report_and_takes_none_twice() {
    let mut server = Server::start().await;
    let core = server.connect().await;
    let job_id = create(&core).await;
    let mut worker = worker(&core);
    let work = soon(worker.next()).await.unwrap();
    for number in 0..20 {
        work.report(line(number * 5)).await.unwrap();
    }
    server.end().await;
    for number in 20..40 {
        work.report(line(number * 5)).await.unwrap();
    }
    server.start_again().await;
    soon(work.end(report::End::Completed(Completion::default()))).await.unwrap();
    assert_eq!(output(&core, &job_id).await, 200);
    assert_eq!(state(&core, &job_id).await, JobState::Completed);
    server.end().await;
}

#[tokio::test]
async fn a_cancellation_reaches_the_work_and_its_end_is_recorded() {
    let mut server = Server::start().await;
    let core = server.connect().await;
    let job_id = create(&core).await;
    let mut worker = worker(&core);
    let work = soon(worker.next()).await.unwrap();
    work.report(News::default()).await.unwrap();

    let early = work.end(report::End::Cancelled(Cancellation {})).await;
    assert!(matches!(early, Err(EndError::Refused(_))), "nobody asked: {early:?}");

    let request = CancelJobRequest { job_id: job_id.clone(), ..CancelJobRequest::default() };
    core.jobs().cancel_job(request).await.unwrap();
    soon(work.cancelled().cancelled()).await;
    assert!(work.grace().is_some_and(|grace| grace <= Duration::from_secs(10)));
    soon(work.end(report::End::Cancelled(Cancellation {}))).await.unwrap();
    assert_eq!(state(&core, &job_id).await, JobState::Cancelled);
    server.end().await;
}

#[tokio::test]
async fn work_on_a_job_that_ended_elsewhere_is_lost() {
    let mut server = Server::start().await;
    let core = server.connect().await;
    let job_id = create(&core).await;
    let mut worker = worker(&core);
    let work = soon(worker.next()).await.unwrap();
    work.report(News::default()).await.unwrap();

    // A grace of nothing: the core does not wait for the worker.
    let grace = Some(prost_types::Duration { seconds: 0, nanos: 1_000_000 });
    let request = CancelJobRequest { job_id, grace, ..CancelJobRequest::default() };
    core.jobs().cancel_job(request).await.unwrap();
    soon(work.lost().cancelled()).await;
    assert_eq!(work.report(News::default()).await, Err(Lost));
    server.end().await;
}

#[tokio::test]
async fn a_drained_worker_ends_when_its_job_has() {
    let mut server = Server::start().await;
    let core = server.connect().await;
    create(&core).await;
    let waiting = create(&core).await;
    let mut worker = worker(&core);
    let work = soon(worker.next()).await.unwrap();
    worker.drain().await;
    soon(work.end(report::End::Completed(Completion::default()))).await.unwrap();
    assert!(soon(worker.next()).await.is_err(), "it takes no other job");
    assert_eq!(state(&core, &waiting).await, JobState::Queued);
    server.end().await;
}

#[tokio::test]
async fn a_worker_that_is_refused_says_so() {
    let mut server = Server::start().await;
    let core = server.connect().await;
    let mut worker = Worker::start(core.work(), WorkerHello::default());
    let refused = soon(worker.next()).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    server.end().await;
}
