//! What the tests play on: a core, a worker, a job.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use roomcast_proto::v1::{
    GetJobRequest, GetJobResponse, Job, JobState, ReadJobOutputRequest, RetryPolicy,
    WatchJobRequest,
};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::client::Client;
use crate::error::Error;
use crate::worker::{Completion, Stop, Work, Worker};

/// Longer than any of this takes, shorter than a person's patience.
const DEADLINE: Duration = Duration::from_secs(30);

/// A core that can be ended and started again on its data and address, and the way to it.
pub(super) struct Server {
    pub(super) core: Client,
    folder: tempfile::TempDir,
    address: SocketAddr,
    /// Bound to the same port, so that the kernel gives it to nobody else while the core is away.
    _reservation: TcpSocket,
    running: Option<Running>,
}

/// A worker with a job in its hands, the only one.
pub(super) struct Stage {
    pub(super) server: Server,
    pub(super) worker: Worker,
    pub(super) work: Work,
    pub(super) job_id: String,
}

type Running = (CancellationToken, JoinHandle<anyhow::Result<()>>);

impl Server {
    pub(super) async fn start() -> Server {
        let folder = tempfile::tempdir().unwrap();
        let reservation = TcpSocket::new_v4().unwrap();
        reservation.set_reuseaddr(true).unwrap();
        reservation.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = reservation.local_addr().unwrap();
        let running = Some(serve(folder.path(), address).await);
        let core = Client::connect(format!("http://{address}")).await.unwrap();
        Server { core, folder, address, _reservation: reservation, running }
    }

    pub(super) async fn end(&mut self) {
        let (stop, serving) = self.running.take().unwrap();
        stop.cancel();
        serving.await.unwrap().unwrap();
    }

    pub(super) async fn start_again(&mut self) {
        self.running = Some(serve(self.folder.path(), self.address).await);
    }

    /// A job of kind `test` that is tried once.
    pub(super) async fn create(&self) -> String {
        self.create_of("test").await
    }

    pub(super) async fn create_of(&self, kind: &str) -> String {
        let once = RetryPolicy { max_attempts: 1, ..RetryPolicy::default() };
        self.core.create_job(kind).retry(once).await.unwrap().job_id
    }

    pub(super) async fn job(&self, job_id: &str) -> Job {
        self.get(job_id).await.job.unwrap()
    }

    /// How many workers serve the kind of a job.
    pub(super) async fn workers(&self, job_id: &str) -> u32 {
        self.get(job_id).await.workers
    }

    pub(super) async fn state(&self, job_id: &str) -> JobState {
        self.job(job_id).await.state()
    }

    /// How much a job has written to `stdout`.
    pub(super) async fn written(&self, job_id: &str) -> u64 {
        let request = ReadJobOutputRequest { job_id: job_id.into(), ..Default::default() };
        self.core.jobs().read_job_output(request).await.unwrap().into_inner().size
    }

    /// The job, once it has ended.
    pub(super) async fn ended(&self, job_id: &str) -> Job {
        let request = WatchJobRequest { job_id: job_id.into(), ..Default::default() };
        let mut frames = self.core.jobs().watch_job(request).await.unwrap().into_inner();
        while soon(frames.message()).await.unwrap().is_some() {}
        self.job(job_id).await
    }

    async fn get(&self, job_id: &str) -> GetJobResponse {
        let request = GetJobRequest { job_id: job_id.into() };
        self.core.jobs().get_job(request).await.unwrap().into_inner()
    }
}

impl Stage {
    pub(super) async fn set() -> Stage {
        let server = Server::start().await;
        let job_id = server.create().await;
        let mut worker = server.core.worker("test").kind("test").start();
        let work = soon(worker.next()).await.unwrap().unwrap();
        Stage { server, worker, work, job_id }
    }
}

async fn serve(folder: &Path, address: SocketAddr) -> Running {
    let listener = TcpListener::bind(address).await.unwrap();
    let stop = CancellationToken::new();
    let config = roomcast_core::Config::development(folder.to_owned());
    let serving = tokio::spawn(roomcast_core::serve(config, listener, stop.clone()));
    (stop, serving)
}

pub(super) async fn soon<T>(future: impl IntoFuture<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.expect("it did not happen in time")
}

/// A job of kind `test`, seen through by a handler.
pub(super) async fn handled<F>(handler: impl Fn(Work) -> F + Send + Sync + 'static) -> Job
where
    F: Future<Output = Result<Completion, Stop>> + Send + 'static,
{
    let mut server = Server::start().await;
    let job_id = server.create().await;
    let stop = CancellationToken::new();
    let worker = server.core.worker("test").handle("test", handler);
    let running = tokio::spawn(worker.run(stop.clone()));
    let ended = server.ended(&job_id).await;
    stop.cancel();
    soon(running).await.unwrap().unwrap();
    server.end().await;
    ended
}

/// A worker without patience, in the midst of a job that never ends.
pub(super) async fn at_work_without_end(
    core: &Client,
) -> (CancellationToken, JoinHandle<Result<(), Error>>) {
    let (stop, begun) = (CancellationToken::new(), CancellationToken::new());
    let began = begun.clone();
    let worker = core.worker("test").drain_patience(Duration::from_millis(1));
    let worker = worker.handle("test", move |_| {
        begun.cancel();
        std::future::pending()
    });
    let running = tokio::spawn(worker.run(stop.clone()));
    soon(began.cancelled()).await;
    (stop, running)
}
