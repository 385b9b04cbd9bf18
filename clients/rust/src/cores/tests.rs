//! Real servers: killed, standing still, refusing.

use std::net::SocketAddr;

use roomcast_proto::v1::GetJobRequest;
use roomcast_proto::v1::job_service_client::JobServiceClient;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_health::server::HealthReporter;

use super::*;

/// However busy the machine is.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that answers for its health and knows no job.
struct Answering {
    address: SocketAddr,
    health: HealthReporter,
    stop: CancellationToken,
}

impl Answering {
    async fn start() -> Answering {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let (health, service) = tonic_health::server::health_reporter();
        let stop = CancellationToken::new();
        let server = Server::builder().add_service(service);
        let ended = stop.clone().cancelled_owned();
        tokio::spawn(server.serve_with_incoming_shutdown(TcpIncoming::from(listener), ended));
        Answering { address, health, stop }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Takes connections and says nothing.
async fn silent() -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    (format!("http://{}", listener.local_addr().expect("its address")), listener)
}

fn watched(urls: &[String]) -> Cores {
    let cores = Cores::new(urls, &Tls::default()).expect("addresses");
    tokio::spawn(cores.watch());
    cores
}

async fn comes_home(cores: &Cores, url: &str) {
    let is_home = async {
        while cores.home() != url {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, is_home).await.expect("it is home in time");
}

/// What a server says that knows no jobs: it was asked.
async fn ask(cores: &Cores) -> Code {
    let mut jobs = JobServiceClient::new(cores.way());
    let asked = timeout(PATIENCE, jobs.get_job(GetJobRequest::default())).await;
    asked.expect("an answer in time").expect_err("there are no jobs").code()
}

#[tokio::test]
async fn a_call_finds_the_core_that_lives_whichever_is_asked_first() {
    let living = Answering::start().await;
    let dead = silent().await.0;
    for _ in 0..16 {
        // Without a watch: nothing is known yet when the first call is made.
        let cores = Cores::new(&[dead.clone(), living.url()], &Tls::default()).expect("addresses");
        assert_eq!(ask(&cores).await, Code::Unimplemented);
    }
}

#[tokio::test]
async fn a_core_that_says_nothing_is_left_and_what_waits_for_it_ends() {
    let (silent, listener) = silent().await;
    let living = Answering::start().await;
    let urls = [silent.clone(), living.url()];
    // One whose home is the silent core.
    let cores = loop {
        let cores = Cores::new(&urls, &Tls::default()).expect("addresses");
        if cores.home() == silent {
            break cores;
        }
    };
    let mut jobs = JobServiceClient::new(cores.way());
    let asks = tokio::spawn(async move { jobs.get_job(GetJobRequest::default()).await });
    tokio::spawn(cores.watch());
    comes_home(&cores, &living.url()).await;
    let answer = timeout(PATIENCE, asks).await.expect("an answer in time").expect("no panic");
    assert_eq!(answer.expect_err("no jobs").code(), Code::Unimplemented, "asked the other core");
    drop(listener);
}

#[tokio::test]
async fn a_core_that_refuses_is_left_and_one_that_was_killed_too() {
    let (one, other) = (Answering::start().await, Answering::start().await);
    let cores = watched(&[one.url(), other.url()]);
    let (home, spare) = if cores.home() == one.url() { (one, other) } else { (other, one) };
    let refusing = tonic_health::ServingStatus::NotServing;
    home.health.set_service_status("", refusing).await;
    comes_home(&cores, &spare.url()).await;
    assert_eq!(ask(&cores).await, Code::Unimplemented);
    home.health.set_service_status("", tonic_health::ServingStatus::Serving).await;
    spare.stop.cancel();
    comes_home(&cores, &home.url()).await;
    assert_eq!(ask(&cores).await, Code::Unimplemented);
}

#[tokio::test]
async fn a_calls_limit_holds_over_all_cores() {
    let (first, second) = (silent().await, silent().await);
    // Without a watch both are asked, and neither is given up.
    let cores = Cores::new(&[first.0, second.0], &Tls::default()).expect("addresses");
    let mut request = tonic::Request::new(GetJobRequest::default());
    request.set_timeout(Duration::from_millis(50));
    let answer = JobServiceClient::new(cores.way()).get_job(request).await;
    assert_eq!(answer.expect_err("nobody answers").code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn calls_at_a_lost_core_end_though_it_is_not_the_home() {
    let (first, second) = (silent().await, silent().await);
    let cores = Cores::new(&[first.0, second.0], &Tls::default()).expect("addresses");
    let home = cores.picker().home();
    let at_other = cores.0.cores[1 - home].cuts.of_calls();
    cores.0.learn(home, Found::Serving, "");
    cores.0.learn(1 - home, Found::Nobody, "killed");
    assert!(at_other.is_cancelled());
}

#[tokio::test]
async fn the_watch_ends_with_the_last_clone() {
    let living = Answering::start().await;
    let cores = Cores::new(&[living.url()], &Tls::default()).expect("addresses");
    let watch = tokio::spawn(cores.watch());
    assert_eq!(ask(&cores).await, Code::Unimplemented);
    drop(cores);
    timeout(PATIENCE, watch).await.expect("it ends").expect("no panic");
}

#[test]
fn an_address_says_whether_it_is_tls() {
    for written in ["http://127.0.0.1:50051", " https://core-1.internal:50051 "] {
        assert_eq!(url(written), Ok(written.trim().to_owned()));
    }
    for wrong in ["", "127.0.0.1:50051", "core", "ftp://core:50051", "http://"] {
        assert!(url(wrong).is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn https_without_an_authority_is_told_at_once() {
    for tls in [Tls::default(), Tls::default().identity("certificate", "key")] {
        let told = refused("https://core.internal:50051", &tls);
        assert!(told.contains("takes the authority"), "{told}");
    }
}

#[tokio::test]
async fn certificates_are_refused_where_nothing_would_come_of_them() {
    let authority = Tls::default().authority("authority");
    for tls in [authority.clone(), Tls::default().identity("certificate", "key")] {
        let told = refused("http://core.internal:50051", &tls);
        assert!(told.contains("write https") && told.contains("--core-cert"), "{told}");
    }
    let broken = authority.identity("no certificate", "no key");
    let told = refused("https://core.internal:50051", &broken);
    assert!(told.contains("are of no use: ") && !told.contains("transport"), "{told}");
}

/// Why no core is at this address.
fn refused(url: &str, tls: &Tls) -> String {
    let cores = Cores::new(&[url.to_owned()], tls).map(drop);
    cores.expect_err("it is not usable").to_string()
}
