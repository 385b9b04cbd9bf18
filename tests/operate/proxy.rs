//! Two edges behind the proxies of deploy/proxy, as Debian packages them: whoever polls stays with its
//! edge, events come as they are written, an edge that dies is passed over, and clients are limited by
//! the addresses that are theirs.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::worker::{completed, output};
use crate::support::{
    Clients, Core, Edge, Port, Process, Rest, Socket, Sse, Worker, eventually, user,
};

/// What an address may ask without a token before it is refused.
const BURST: u8 = 5;
/// Far more than that: who is not refused by then is not limited.
const TRIES: u8 = 8 * BURST;
/// Enough addresses for some of them to be sent to the edge of the first.
const OTHERS: u8 = 12;

/// Where a proxy speaks to edges from that shows by a PROXY header who its client is: whoever else looks
/// at the edges from here speaks plain HTTP.
const PROXY: &str = "127.0.0.9";

/// A proxy before two edges.
struct Door {
    process: Process,
    port: Port,
    _folder: TempDir,
}

/// How a proxy is started on a port, before these edges, with a folder of its own.
type Start = fn(&Port, [SocketAddr; 2], &Path) -> Command;

impl Door {
    async fn open(start: Start, edges: [SocketAddr; 2]) -> Door {
        let (port, folder) = (Port::reserve(), tempfile::tempdir().expect("a folder"));
        let mut command = start(&port, edges, folder.path());
        command.env("PATH", "/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin:/bin");
        let mut door =
            Door { process: Process::spawn("proxy", &mut command), port, _folder: folder };
        let rest = Rest::new(&door.port.url(), None);
        eventually("the proxy leads to an edge", async || {
            assert!(door.process.is_running(), "the proxy has ended");
            rest.try_get("/readyz").await.filter(|answer| answer.status == 200)
        })
        .await;
        door
    }
}

fn recipe(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/proxy").join(name)
}

/// nginx takes nothing from its environment: the addresses are written into a copy.
fn nginx(port: &Port, [one, other]: [SocketAddr; 2], folder: &Path) -> Command {
    let text = std::fs::read_to_string(recipe("nginx.conf")).expect("the recipe");
    let text = text
        .replace("127.0.0.1:8000", &port.address().to_string())
        .replace("127.0.0.1:8001", &one.to_string())
        .replace("127.0.0.1:8002", &other.to_string());
    let file = folder.join("nginx.conf");
    std::fs::write(&file, text).expect("written");
    // All in one process: the workers of a master that is killed would stay for ever.
    let pid = folder.join("pid");
    let own = format!("daemon off; master_process off; pid {}; error_log stderr;", pid.display());
    let mut command = Command::new("nginx");
    command.arg("-p").arg(folder).arg("-c").arg(file).arg("-g").arg(own);
    command
}

fn haproxy(port: &Port, edges: [SocketAddr; 2], _: &Path) -> Command {
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(recipe("haproxy.cfg")).env("FROM", PROXY);
    with_addresses(command, port, edges)
}

fn caddy(port: &Port, edges: [SocketAddr; 2], folder: &Path) -> Command {
    let mut command = Command::new("caddy");
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(recipe("Caddyfile"));
    command.env("HOME", folder).env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder);
    with_addresses(command, port, edges)
}

fn with_addresses(mut command: Command, port: &Port, [one, other]: [SocketAddr; 2]) -> Command {
    command.env("DOOR", port.address().to_string());
    command.env("EDGE_1", one.to_string()).env("EDGE_2", other.to_string());
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nginx_keeps_polling_clients_and_addresses() {
    check(nginx, &["--trusted-proxies", "127.0.0.1"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn haproxy_keeps_polling_clients_and_addresses() {
    check(haproxy, &["--trusted-proxies", PROXY, "--proxy-protocol", "on"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caddy_keeps_polling_clients_and_addresses() {
    check(caddy, &["--trusted-proxies", "127.0.0.1"]).await;
}

async fn check(start: Start, arguments: &[&str]) {
    let core = Core::start().await;
    let burst = BURST.to_string();
    let limits = ["--requests-per-second", "1", "--requests-burst", &burst];
    let all = [&limits[..], arguments].concat();
    let mut edges = [Edge::start_with(&core, &all).await, Edge::start_with(&core, &all).await];
    let door = Door::open(start, edges.each_ref().map(Edge::address)).await;

    clients_are_limited_by_their_own_addresses(&door).await;
    let ana = Rest::new(&door.port.url(), Some(&user("ana")));
    let job = ana.post("/jobs", &json!({ "kind": "carried" })).await.ok(201);
    let (job_id, path) = (job["job_id"].as_str().expect("an id"), "events");
    let mut stream = Sse::open(&ana, &format!("/jobs/{job_id}/{path}"), None).await;
    let libraries = [Clients::node().await, Clients::python().await];
    let sockets: Vec<Socket> = libraries
        .iter()
        .flat_map(|clients| ["polling", "websocket"].map(|way| join(clients, &door, job_id, way)))
        .collect();
    for socket in &sockets {
        socket.event("job_status").await;
    }

    let worker = Worker::new("w", core.jobs());
    let held = worker.lease("carried").await;
    worker.report(output(&held, 1, 0, "one\n")).await.unwrap();
    stream.until(|frame| frame.data["data"] == "one\n").await;
    for socket in &sockets {
        socket.event_where("job_output", |event| event["data"] == "one\n").await;
        assert_eq!(socket.times("connect"), 1, "{} was sent elsewhere", socket.id());
    }

    drop(stream);
    edges[0].kill();
    worker.report(output(&held, 2, 4, "two\n")).await.unwrap();
    for socket in &sockets {
        socket.event_where("job_output", |event| event["data"] == "two\n").await;
    }
    worker.report(completed(&held, 3)).await.unwrap();
    for socket in &sockets {
        socket.event_where("job_update", |event| event["status"] == "completed").await;
        let is_output = |(name, _): &(String, Value)| name == "job_output";
        assert_eq!(socket.events().iter().filter(|event| is_output(event)).count(), 2);
    }
}

/// A client that comes back by itself and goes on where it was.
fn join(clients: &Clients, door: &Door, job_id: &str, way: &str) -> Socket {
    let options = json!({
        "keep": true,
        "transports": [way],
        "join": {
            "event": "join_job",
            "argument": { "job_id": job_id },
            "topic": format!("job:{job_id}"),
            "resume": "auth",
        },
    });
    clients.connect_with(&door.port.url(), Some(&user("ana")), options)
}

/// One address uses up what it may ask for, whatever it says of itself; all others are still asked for a
/// token.
async fn clients_are_limited_by_their_own_addresses(door: &Door) {
    let ask = async |last: u8, says: &str| {
        let own = IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
        let client = reqwest::Client::builder().local_address(own).build().expect("a client");
        let request = client.get(format!("{}/jobs", door.port.url()));
        request.header("x-forwarded-for", says).send().await.expect("an answer").status().as_u16()
    };
    let mut answers = vec![ask(50, "10.0.0.1").await];
    // On a busy machine some more are let in meanwhile.
    for n in 0..TRIES {
        answers.push(ask(50, &format!("10.0.1.{n}")).await);
        if answers.ends_with(&[429]) {
            break;
        }
    }
    assert_eq!(answers.first(), Some(&401));
    assert_eq!(answers.last(), Some(&429), "{answers:?}");
    for other in 0..OTHERS {
        assert_eq!(ask(51 + other, "127.0.0.50").await, 401, "127.0.0.{}", 51 + other);
    }
}
