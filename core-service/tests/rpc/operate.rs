//! A core as whoever operates it meets it: how it begins and how it ends.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use roomcast_core::Config;
use roomcast_proto::v1;
use roomcast_proto::v1::job_service_client::JobServiceClient;
use roomcast_test_servers::Port;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};

/// Longest wait for what takes a moment.
const PATIENCE: Duration = Duration::from_secs(20);

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

async fn serve(data_dir: PathBuf, page: SocketAddr, stop: CancellationToken) -> anyhow::Result<()> {
    let config = Config { core_metrics_listen: Some(page), ..Config::development(data_dir) };
    roomcast_core::serve(config, listener().await.0, stop).await
}

/// Says something to the page of metrics as soon as it is there.
async fn say(page: SocketAddr, words: &[u8]) -> TcpStream {
    let connected = async {
        loop {
            match TcpStream::connect(page).await {
                Ok(connected) => return connected,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    let mut connected = tokio::time::timeout(PATIENCE, connected).await.expect("a page");
    connected.write_all(words).await.expect("said");
    connected
}

#[tokio::test]
async fn a_core_that_cannot_have_its_page_begins_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = Port::reserve();
    let page = port.address();
    let taken = TcpListener::bind(page).await.expect("a port of our own");
    let stop = CancellationToken::new();
    let refused = serve(folder.path().into(), page, stop.clone()).await;
    assert!(refused.is_err(), "the port is taken");
    drop(taken);
    let serving = tokio::spawn(serve(folder.path().into(), page, stop.clone()));
    let mut asked = say(page, b"GET /livez HTTP/1.0\r\n\r\n").await;
    let mut answer = String::new();
    asked.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.ends_with("ok\n"), "{answer}");
    stop.cancel();
    serving.await.expect("no panic").expect("it served in the same folder");
}

#[tokio::test]
async fn half_a_request_for_metrics_does_not_hold_up_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = Port::reserve();
    let page = port.address();
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve(folder.path().into(), page, stop.clone()));
    let _begun = say(page, b"GET /livez HTTP/1.1\r\n").await;
    let mut asked = say(page, b"GET /livez HTTP/1.0\r\n\r\n").await;
    let mut answer = String::new();
    asked.read_to_string(&mut answer).await.expect("an answer: the first one is being read too");
    stop.cancel();
    let ended = tokio::time::timeout(PATIENCE, serving).await.expect("in time");
    ended.expect("no panic").expect("a good end");
}

/// A core in development, and the way to its jobs.
async fn jobs(
    data_dir: PathBuf,
    stop: &CancellationToken,
) -> (JobServiceClient<Channel>, JoinHandle<anyhow::Result<()>>) {
    let (listener, address) = listener().await;
    let config = Config::development(data_dir);
    let serving = tokio::spawn(roomcast_core::serve(config, listener, stop.clone()));
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("a url");
    (JobServiceClient::new(endpoint.connect_lazy()), serving)
}

async fn create(jobs: &mut JobServiceClient<Channel>, kind: &str, start_ms: i32) -> String {
    let start = prost_types::Duration { seconds: 0, nanos: start_ms * 1_000_000 };
    let timeouts = v1::Timeouts { schedule_to_start: Some(start), ..v1::Timeouts::default() };
    let timeouts = Some(timeouts).filter(|_| start_ms > 0);
    let wanted = v1::CreateJobRequest { kind: kind.into(), timeouts, ..Default::default() };
    jobs.create_job(wanted).await.expect("created").into_inner().job.expect("a job").job_id
}

#[tokio::test]
async fn a_job_that_cannot_be_read_holds_up_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let stop = CancellationToken::new();
    let (mut client, serving) = jobs(folder.path().into(), &stop).await;
    let damaged = [create(&mut client, "x", 900).await, create(&mut client, "x", 0).await];
    let wanted = create(&mut client, "x", 0).await;
    let doomed = create(&mut client, "y", 950).await;
    stop.cancel();
    serving.await.expect("no panic").expect("a good end");
    let file = rusqlite::Connection::open(folder.path().join("roomcast.db")).expect("the store");
    for job_id in damaged {
        let spoil = "UPDATE job_record SET doc = x'7b'
             WHERE topic = (SELECT topic FROM job WHERE job_id = ?1)";
        assert_eq!(file.execute(spoil, [job_id]).expect("spoilt"), 1);
    }
    drop(file);

    let stop = CancellationToken::new();
    let (mut client, serving) = jobs(folder.path().into(), &stop).await;
    let lease = v1::LeaseJobsRequest {
        worker_id: "w".into(),
        kinds: vec!["x".into()],
        max_jobs: 1,
        wait: Some(prost_types::Duration { seconds: 20, nanos: 0 }),
        ..v1::LeaseJobsRequest::default()
    };
    let given = client.lease_jobs(lease).await.expect("an answer").into_inner().assignments;
    let given: Vec<_> = given.into_iter().filter_map(|one| one.job).map(|job| job.job_id).collect();
    assert_eq!(given, [wanted], "the one behind those");
    let watch = v1::WatchJobRequest { job_id: doomed, ..Default::default() };
    let mut frames = client.watch_job(watch).await.expect("a stream").into_inner();
    let ended = async { while frames.message().await.expect("no error").is_some() {} };
    tokio::time::timeout(PATIENCE, ended).await.expect("its deadline is kept");
    stop.cancel();
    serving.await.expect("no panic").expect("a good end");
}
