//! docs/guides/cluster.md, run as it stands: its commands in one shell, against a cluster of the test's
//! own that the same script starts.

use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::quickstart::{blocks, root, search_path};
use crate::support::{Port, Process, finish_within, roomcast, within};

const PAGE: &str = "docs/guides/cluster.md";
/// PostgreSQL makes an empty database, and six processes start one after the other.
const START_MAX: Duration = Duration::from_secs(90);
/// Six deaths, each with five seconds until the process is started again.
const GUIDE_MAX: Duration = Duration::from_secs(150);
const END_MAX: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);

/// What `make cluster` starts.
struct Cluster {
    process: Process,
    ports: [Port; 5],
    folder: TempDir,
}

impl Cluster {
    async fn start() -> Cluster {
        let folder = tempfile::tempdir().expect("a folder");
        let ports = [(); 5].map(|()| Port::reserve());
        let number = |at: usize| ports[at].address().port().to_string();
        let mut command = Command::new(root().join("deploy/cluster.sh"));
        command
            .env("CLUSTER_DIR", folder.path().join("cluster"))
            .env("CORE_PORTS", format!("{} {}", number(0), number(1)))
            .env("EDGE_PORTS", format!("{} {}", number(2), number(3)))
            .env("REDIS_PORT", number(4))
            .env("ROOMCAST", roomcast(&[]).get_program());
        let process = Process::spawn("cluster", &mut command);
        let mut cluster = Cluster { process, ports, folder };
        within(START_MAX, "the cluster is ready", async || {
            assert!(cluster.process.is_running(), "the cluster has ended");
            let lines = cluster.process.stdout_lines();
            lines.iter().any(|line| line == "cluster: ready").then_some(())
        })
        .await;
        cluster
    }

    /// The page's commands, at this cluster's places.
    fn script(&self, page: &str) -> String {
        let mut script =
            String::from("set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || :' EXIT\n");
        for block in blocks(page) {
            match block.needs {
                "" => script.push_str(block.text),
                "server" => assert_eq!(block.text.trim(), "make cluster"),
                needs => assert!(needs.starts_with("needs: "), "{needs}"),
            }
        }
        let folder = self.folder.path().join("cluster").display().to_string();
        let places = ["127.0.0.1:50051", "127.0.0.1:50052", "127.0.0.1:8000", "127.0.0.1:8001"];
        let script = script.replace("/tmp/roomcast-cluster", &folder);
        places.iter().zip(&self.ports).fold(script, |script, (place, port)| {
            script.replace(place, &port.address().to_string())
        })
    }

    /// Ends it as Ctrl-C does: nothing is left.
    async fn end(mut self) {
        self.process.signal(Signal::SIGINT);
        assert!(self.process.ended(END_MAX).await.success());
        assert!(!self.folder.path().join("cluster").exists(), "what it kept is left");
        for port in &self.ports {
            assert!(TcpStream::connect(port.address()).is_err(), "{} still listens", port.url());
        }
    }
}

/// A test that fails must not leave six processes behind.
impl Drop for Cluster {
    fn drop(&mut self) {
        self.process.signal(Signal::SIGINT);
        let begun = Instant::now();
        while self.process.is_running() && begun.elapsed() < END_MAX {
            std::thread::park_timeout(PAUSE);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_of_the_guide_to_the_cluster_works_as_it_stands() {
    let page = std::fs::read_to_string(root().join(PAGE)).expect("the page");
    let cluster = Cluster::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut shell = Command::new("bash");
    shell
        .args(["-c", &cluster.script(&page)])
        .current_dir(folder.path())
        .env("PATH", search_path());
    let said = finish_within(GUIDE_MAX, &mut shell).await.ok();
    let heard: Vec<String> = (1..=6).map(|n| format!("\"n\":{n}")).collect();
    assert!(said.contains(&heard.join("\n")), "{said}");
    assert!(said.ends_with("[1,2,3,4,5,6]"), "{said}");
    cluster.end().await;
}

/// A port that somebody has is told at once, with what to do.
#[tokio::test]
async fn a_cluster_whose_port_is_taken_says_so() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port().to_string();
    let mut command = Command::new(root().join("deploy/cluster.sh"));
    command.env("REDIS_PORT", &port).env("ROOMCAST", roomcast(&[]).get_program());
    command.env("CLUSTER_DIR", Path::new("/nowhere"));
    for ports in ["CORE_PORTS", "EDGE_PORTS"] {
        command.env(ports, "1 2");
    }
    let said = finish_within(END_MAX, &mut command).await;
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains(&format!("port {port} is taken")), "{}", said.err);
}
