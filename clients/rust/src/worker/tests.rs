//! Against a real core, on loopback and in this process.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use roomcast_proto::registry::Code;
use roomcast_proto::v1::{
    CancelJobRequest, CreateJobRequest, GetJobRequest, Job, JobState, ReadJobOutputRequest,
    RetryPolicy,
};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::event::Event;

/// Longer than any of this takes, shorter than a person's patience.
const DEADLINE: Duration = Duration::from_secs(30);
/// As the core grants it.
const LEASE: Duration = Duration::from_secs(15);

/// A core that can be ended and started again on its data and address.
struct Server {
    folder: tempfile::TempDir,
    address: SocketAddr,
    running: Option<(CancellationToken, JoinHandle<anyhow::Result<()>>)>,
}

impl Server {
    async fn start() -> (Server, Client) {
        let folder = tempfile::tempdir().unwrap();
        let (address, running) = serve(folder.path(), ([127, 0, 0, 1], 0).into()).await;
        let core = Client::connect(format!("http://{address}")).await.unwrap();
        (Server { folder, address, running: Some(running) }, core)
    }

    async fn end(&mut self) {
        let (stop, serving) = self.running.take().unwrap();
        stop.cancel();
        serving.await.unwrap().unwrap();
    }

    async fn start_again(&mut self) {
        self.running = Some(serve(self.folder.path(), self.address).await.1);
    }
}

/// A worker with a job in its hands, the only one.
struct Stage {
    server: Server,
    core: Client,
    worker: Worker,
    work: Work,
    job_id: String,
}

impl Stage {
    async fn set() -> Stage {
        let (server, core) = Server::start().await;
        let job_id = create(&core).await;
        let mut worker = worker(&core);
        let work = soon(worker.next()).await.unwrap().unwrap();
        Stage { server, core, worker, work, job_id }
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

/// A job that is tried once.
async fn create(core: &Client) -> String {
    let once = RetryPolicy { max_attempts: 1, ..RetryPolicy::default() };
    let request =
        CreateJobRequest { kind: "test".into(), retry: Some(once), ..CreateJobRequest::default() };
    let answer = core.jobs().create_job(request).await.unwrap().into_inner();
    answer.job.unwrap().job_id
}

fn worker(core: &Client) -> Worker {
    core.worker("test").kind("test").start()
}

fn line() -> News {
    News::new().output("stdout", &b"line\n"[..])
}

async fn output(core: &Client, job_id: &str) -> usize {
    let request = ReadJobOutputRequest { job_id: job_id.into(), ..Default::default() };
    core.jobs().read_job_output(request).await.unwrap().into_inner().data.len()
}

async fn state(core: &Client, job_id: &str) -> JobState {
    job(core, job_id).await.state()
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.expect("it did not happen in time")
}

#[tokio::test]
async fn a_restart_of_the_core_loses_no_report_and_takes_none_twice() {
    let Stage { mut server, core, worker: _worker, work, job_id } = Stage::set().await;
    for _ in 0..20 {
        work.report(line()).await.unwrap();
    }
    server.end().await;
    for _ in 20..40 {
        work.report(line()).await.unwrap();
    }
    server.start_again().await;
    soon(work.end(End::Completed(Completion::empty()))).await.unwrap();
    assert_eq!(output(&core, &job_id).await, 200);
    assert_eq!(state(&core, &job_id).await, JobState::Completed);
    server.end().await;
}

#[tokio::test]
async fn a_cancellation_reaches_the_work_and_its_end_is_recorded() {
    let Stage { mut server, core, worker: _worker, work, job_id } = Stage::set().await;
    work.report(News::new()).await.unwrap();

    let early = work.end(End::Cancelled).await;
    assert!(matches!(early, Err(EndError::Refused(_))), "nobody asked: {early:?}");

    let request = CancelJobRequest { job_id: job_id.clone(), ..CancelJobRequest::default() };
    core.jobs().cancel_job(request).await.unwrap();
    soon(work.cancelled().cancelled()).await;
    assert!(work.grace().is_some_and(|grace| grace <= Duration::from_secs(10)));
    soon(work.end(End::Cancelled)).await.unwrap();
    assert_eq!(state(&core, &job_id).await, JobState::Cancelled);
    server.end().await;
}

#[tokio::test]
async fn work_on_a_job_that_ended_elsewhere_is_lost() {
    let Stage { mut server, core, worker: _worker, work, job_id } = Stage::set().await;
    work.report(News::new()).await.unwrap();

    // A grace of nothing: the core does not wait for the worker.
    let grace = Some(prost_types::Duration { seconds: 0, nanos: 1_000_000 });
    let request = CancelJobRequest { job_id, grace, ..CancelJobRequest::default() };
    core.jobs().cancel_job(request).await.unwrap();
    soon(work.lost().cancelled()).await;
    assert_eq!(work.report(News::new()).await, Err(Lost));
    server.end().await;
}

#[tokio::test]
async fn a_drained_worker_ends_when_its_job_has() {
    let Stage { mut server, core, mut worker, work, .. } = Stage::set().await;
    let waiting = create(&core).await;
    worker.drain().await;
    soon(work.end(End::Completed(Completion::empty()))).await.unwrap();
    assert!(soon(worker.next()).await.unwrap().is_none(), "it takes no other job");
    assert_eq!(state(&core, &waiting).await, JobState::Queued);
    server.end().await;
}

#[tokio::test]
async fn a_worker_that_is_refused_says_so() {
    let (mut server, core) = Server::start().await;
    let mut worker = core.worker("").kind("test").start();
    let refused = soon(worker.next()).await.unwrap_err();
    assert!(matches!(refused, Error::Refused { code: Code::InvalidArgument, .. }), "{refused}");
    assert!(soon(worker.next()).await.unwrap().is_none(), "it has ended");
    server.end().await;
}

async fn job(core: &Client, job_id: &str) -> Job {
    let request = GetJobRequest { job_id: job_id.into() };
    core.jobs().get_job(request).await.unwrap().into_inner().job.unwrap()
}

async fn ended(core: &Client, job_id: &str) -> Job {
    let request =
        roomcast_proto::v1::WatchJobRequest { job_id: job_id.into(), ..Default::default() };
    let mut frames = core.jobs().watch_job(request).await.unwrap().into_inner();
    while soon(frames.message()).await.unwrap().is_some() {}
    job(core, job_id).await
}

/// A job of kind `test`, seen through by a handler.
async fn handled<F>(handler: impl Fn(Work) -> F + Send + Sync + 'static) -> Job
where
    F: Future<Output = Result<Completion, Stop>> + Send + 'static,
{
    let (mut server, core) = Server::start().await;
    let job_id = create(&core).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(core.worker("test").handle("test", handler).run(stop.clone()));
    let ended = ended(&core, &job_id).await;
    stop.cancel();
    soon(running).await.unwrap().unwrap();
    server.end().await;
    ended
}

#[tokio::test]
async fn what_a_handler_answers_is_the_jobs_end() {
    let completed = handled(async |work| {
        work.stage("drafting", 40.0).await?;
        Ok(Completion::json(&serde_json::json!({"pages": 3}))?)
    });
    let completed = completed.await;
    assert_eq!(completed.state(), JobState::Completed);
    assert_eq!(completed.result.unwrap().data, r#"{"pages":3}"#);

    let failed = handled(async |_| Err(Failure::new("no_paper", "fill the tray").into())).await;
    assert_eq!(failed.state(), JobState::Failed);
    assert_eq!(failed.error.unwrap().code, "no_paper");
}

#[tokio::test]
async fn a_handler_that_panics_fails_its_job_alone() {
    let failed = handled(async |_| panic!("as it must")).await;
    assert_eq!(failed.error.unwrap().code, "panicked");
}

#[tokio::test]
async fn a_handler_that_panics_before_it_has_a_future_fails_its_job_alone() {
    let failed = handled(|work: Work| {
        assert!(work.job().job_id.is_empty(), "as it must");
        std::future::ready(Ok(Completion::empty()))
    });
    assert_eq!(failed.await.error.unwrap().code, "panicked");
}

#[tokio::test]
async fn a_lease_is_forgotten_with_its_work_and_a_drain_does_not_wait_for_it() {
    let Stage { mut server, mut worker, work, .. } = Stage::set().await;
    work.report(line()).await.unwrap();
    drop(work);
    worker.drain().await;
    assert!(soon(worker.next()).await.unwrap().is_none(), "it ends");
    server.end().await;
}

#[tokio::test]
async fn a_worker_that_drains_at_once_leaves_no_job_to_its_lease() {
    let (mut server, core) = Server::start().await;
    let mut job_ids = Vec::new();
    for _ in 0..8 {
        job_ids.push(create(&core).await);
    }
    let mut worker = core.worker("test").kind("test").slots(8).start();
    worker.drain().await;
    // One that came before the drain was seen is given back; later ones it never hears of.
    while let Some(work) = soon(worker.next()).await.unwrap() {
        work.end(End::Released("draining".to_owned())).await.unwrap();
    }
    // Well before a lease is over.
    let all_are_free = async {
        for job_id in job_ids {
            while !job(&core, &job_id).await.worker_id.is_empty() {
                tokio::task::yield_now().await;
            }
        }
    };
    tokio::time::timeout(LEASE / 2, all_are_free).await.expect("nobody has a lease");
    server.end().await;
}

/// A worker without patience, in the midst of a job that never ends.
async fn at_work_without_end(core: &Client) -> (CancellationToken, JoinHandle<Result<(), Error>>) {
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

#[tokio::test]
async fn a_drain_ends_though_the_core_is_away() {
    let (mut server, core) = Server::start().await;
    create(&core).await;
    let (stop, running) = at_work_without_end(&core).await;
    server.end().await;
    stop.cancel();
    soon(running).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_result_that_is_too_large_fails_the_job_and_says_so() {
    let failed =
        handled(async |_| Ok(Completion::bytes("text/plain", vec![b'x'; (1 << 20) + 1]))).await;
    assert_eq!(failed.error.unwrap().code, "payload_too_large");
}

#[tokio::test]
async fn a_drain_gives_back_what_does_not_end_in_time() {
    let (mut server, core) = Server::start().await;
    let job_id = create(&core).await;
    let (stop, running) = at_work_without_end(&core).await;
    stop.cancel();
    soon(running).await.unwrap().unwrap();
    assert_eq!(state(&core, &job_id).await, JobState::Queued, "the attempt does not count");
    server.end().await;
}

#[tokio::test]
async fn an_empty_key_leaves_a_publish_its_own() {
    let (mut server, core) = Server::start().await;
    let event = Event::json("note", &serde_json::json!({})).unwrap();
    let publish = core.publisher().publish("room:board", event).idempotency_key("");
    let first = publish.clone().await.unwrap();
    assert_eq!(publish.await.unwrap().event_id, first.event_id, "repeated, not made twice");
    server.end().await;
}

#[tokio::test]
async fn events_are_published_once_under_one_key() {
    let (mut server, core) = Server::start().await;
    let publisher = core.publisher();
    let event = || Event::json("note", &serde_json::json!({"n": 1})).unwrap();
    let first = publisher.publish("room:board", event()).idempotency_key("k").await.unwrap();
    // The answer may have been lost with the core; the same key is answered by the same event.
    server.end().await;
    let again =
        tokio::spawn(publisher.publish("room:board", event()).idempotency_key("k").into_future());
    server.start_again().await;
    assert_eq!(soon(again).await.unwrap().unwrap().event_id, first.event_id);
    let batch = publisher.publish_batch("room:board", [event(), event()]).await.unwrap();
    assert_eq!(batch.iter().map(|one| one.offset).collect::<Vec<_>>(), [2, 3]);
    let late = publisher.publish("room:board", event()).expected_offset(1).await.unwrap_err();
    assert!(matches!(late, Error::Refused { code: Code::OffsetConflict, .. }), "{late}");
    server.end().await;
}
