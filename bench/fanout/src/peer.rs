//! The servers that are measured, each as a process on a core of its own.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::cost::{LOAD_CORE, SERVER_CORE};

/// A server that does not listen by then does not start.
const START_LIMIT: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A server, and how it is set.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) settings: &'static str,
    kind: Kind,
    /// Events a second to a thousand sockets with which the search for the most begins.
    pub(crate) begin_at: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Raw { mode: &'static str },
    Roomcast { lane: &'static str },
    Socketioxide,
    Node { adapter: &'static str },
    Python,
}

pub(crate) const PEERS: &[Peer] = &[
    Peer {
        name: "raw",
        settings: "one loop writes each socket all frames that are due at once: the limit of any server",
        kind: Kind::Raw { mode: "direct" },
        begin_at: 400.0,
    },
    Peer {
        name: "raw-tasks",
        settings: "a task and a queue for each socket, frames shared, what has come together written together: the limit of servers built so",
        kind: Kind::Raw { mode: "tasks" },
        begin_at: 400.0,
    },
    Peer {
        name: "roomcast",
        settings: "edge with its defaults, fed over gRPC by a core that commits each event durably (its only setting: no limit on the one publisher's calls)",
        kind: Kind::Roomcast { lane: "on" },
        begin_at: 400.0,
    },
    Peer {
        name: "roomcast-without-lane",
        settings: "the same with `--lane off`",
        kind: Kind::Roomcast { lane: "off" },
        begin_at: 100.0,
    },
    Peer {
        name: "socketioxide",
        settings: "socketioxide 0.18.9 on axum 0.8, one thread, queues of 4,096 packets, nothing kept",
        kind: Kind::Socketioxide,
        begin_at: 200.0,
    },
    Peer {
        name: "node",
        settings: "socket.io 4.8.4 on Node 20, in memory, websocket only, no compression, nothing kept",
        kind: Kind::Node { adapter: "memory" },
        begin_at: 50.0,
    },
    Peer {
        name: "node-redis",
        settings: "the same with the Redis streams adapter 0.3.1 and connection state recovery on; Redis 7 without persistence",
        kind: Kind::Node { adapter: "redis" },
        begin_at: 50.0,
    },
    Peer {
        name: "python",
        settings: "python-socketio 5.18.1 on uvicorn 0.54 with uvloop and httptools, in memory, nothing kept",
        kind: Kind::Python,
        begin_at: 8.0,
    },
];

/// A running server with all that it needs beside itself. Ends when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// The core's address, where events are published through one.
    pub(crate) core: Option<SocketAddr>,
    processes: Vec<Child>,
    folder: TempDir,
}

impl Server {
    /// The process that is measured.
    pub(crate) fn pid(&self) -> u32 {
        self.processes.last().map(Child::id).unwrap_or_default()
    }

    /// What runs beside it on the other core.
    pub(crate) fn beside(&self) -> impl Iterator<Item = u32> {
        let count = self.processes.len().saturating_sub(1);
        self.processes.iter().take(count).map(Child::id)
    }

    fn run(&mut self, core: usize, command: &Command, address: SocketAddr) -> anyhow::Result<()> {
        let mut pinned = Command::new("taskset");
        pinned.arg("-c").arg(core.to_string()).arg(command.get_program()).args(command.get_args());
        pinned.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
        for (name, value) in command.get_envs() {
            pinned.env(name, value.unwrap_or_default());
        }
        self.processes.push(pinned.spawn()?);
        let begin = Instant::now();
        while TcpStream::connect(address).is_err() {
            anyhow::ensure!(begin.elapsed() < START_LIMIT, "{command:?} does not listen");
            sleep(LOOK_EVERY);
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for process in self.processes.iter_mut().rev() {
            // It may have ended by itself.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Peer {
    /// Whether it has a core, with a log.
    pub(crate) fn keeps_events(&self) -> bool {
        matches!(self.kind, Kind::Roomcast { .. })
    }

    /// Starts it. `peers` holds the packages of those in other languages; a core keeps events as
    /// `retention` says.
    pub(crate) fn start(&self, peers: &Path, retention: Option<&str>) -> anyhow::Result<Server> {
        let address = free()?;
        let folder = tempfile::tempdir()?;
        let mut server = Server { address, core: None, processes: Vec::new(), folder };
        let port = address.port().to_string();
        let mut command;
        match self.kind {
            Kind::Raw { .. } => command = Command::new(neighbour("raw")?),
            Kind::Socketioxide => command = Command::new(neighbour("socketioxide")?),
            Kind::Python => {
                command = Command::new(peers.join("python/.venv/bin/python"));
                command.arg(peers.join("python/server.py"));
            }
            Kind::Node { adapter } => {
                command = Command::new("node");
                command.arg(peers.join("node/server.mjs")).env("NODE_ENV", "production");
                if adapter == "redis" {
                    command.env("REDIS_URL", start_redis(&mut server)?);
                }
            }
            Kind::Roomcast { lane } => {
                let core = start_core(&mut server, retention)?;
                command = Command::new(neighbour("roomcast")?);
                command.args(["edge", "--dev", "--auth", "dev", "--lane", lane]);
                command.args(["--core", &format!("http://{core}"), "--listen"]);
                command.env("ROOMCAST_LOG", "warn");
            }
        }
        match self.kind {
            Kind::Roomcast { .. } => command.arg(address.to_string()),
            Kind::Raw { mode } => command.args([&port, mode]),
            Kind::Socketioxide | Kind::Node { .. } | Kind::Python => command.arg(port),
        };
        server.run(SERVER_CORE, &command, address)?;
        Ok(server)
    }
}

fn start_core(server: &mut Server, retention: Option<&str>) -> anyhow::Result<SocketAddr> {
    let address = free()?;
    let mut command = Command::new(neighbour("roomcast")?);
    command.args(["core", "--dev", "--listen", &address.to_string(), "--data-dir"]);
    command.arg(server.folder.path().join("data")).env("ROOMCAST_LOG", "warn");
    // One publisher stands for many users here.
    command.args(["--requests-per-second", "0"]);
    command.args(retention.into_iter().flat_map(|kept| ["--retention", kept]));
    server.run(LOAD_CORE, &command, address)?;
    server.core = Some(address);
    Ok(address)
}

fn start_redis(server: &mut Server) -> anyhow::Result<String> {
    let address = free()?;
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--port", &address.port().to_string()]);
    command.args(["--save", "", "--appendonly", "no", "--dir"]).arg(server.folder.path());
    server.run(LOAD_CORE, &command, address)?;
    Ok(format!("redis://{address}"))
}

/// A program that is built beside this one.
fn neighbour(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    anyhow::ensure!(path.exists(), "{} is missing: see docs/BENCHMARKS.md", path.display());
    Ok(path)
}

fn free() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
