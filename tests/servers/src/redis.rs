//! A Redis server.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::folder::folder;
use crate::port::Port;
use crate::process::{Process, until};

/// One that serves answers by then.
const ANSWER_TIME: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub struct Redis {
    // Ended first: it writes into the folder.
    process: Process,
    folder: TempDir,
    port: Port,
    settings: Vec<String>,
}

impl Redis {
    /// One that keeps nothing, with settings of its own as on its command line.
    pub fn start(settings: &[&str]) -> Redis {
        Redis::start_on(&std::env::temp_dir(), settings)
    }

    /// What it keeps, if it is told to, lies on the disk of `on`.
    pub fn start_on(on: &Path, settings: &[&str]) -> Redis {
        let (folder, port) = (folder(on), Port::reserve());
        let settings: Vec<String> = settings.iter().map(|one| (*one).to_owned()).collect();
        let process = spawn(folder.path(), &port, &settings);
        let redis = Redis { process, folder, port, settings };
        redis.serves();
        redis
    }

    /// Without a password.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Stops it where it is, until [`Redis::go_on`]: connections stay, answers do not come.
    pub fn pause(&self) {
        self.process.pause();
    }

    pub fn go_on(&self) {
        self.process.go_on();
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again on the same port.
    pub fn restart(&mut self) {
        self.process = spawn(self.folder.path(), &self.port, &self.settings);
        self.serves();
    }

    fn serves(&self) {
        until("Redis serves", || self.answer().is_ok_and(|answer| is_from_the_ready(&answer)));
    }

    fn answer(&self) -> io::Result<String> {
        let mut stream = TcpStream::connect(self.address())?;
        stream.set_read_timeout(Some(ANSWER_TIME))?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer)?;
        Ok(answer)
    }
}

/// Whoever asks for a password has loaded all that it keeps.
fn is_from_the_ready(answer: &str) -> bool {
    answer.starts_with("+PONG") || answer.starts_with("-NOAUTH")
}

fn spawn(folder: &Path, port: &Port, settings: &[String]) -> Process {
    let number = port.address().port().to_string();
    let mut server = Command::new("redis-server");
    server.args(["--port", &number, "--bind", "127.0.0.1", "--save", "", "--dir"]);
    server.arg(folder).args(settings);
    Process::spawn(&mut server, folder.join("redis.log"), Signal::SIGKILL)
}
