//! The Redis between the cores of one test, and a client that says whatever bytes it likes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use roomcast_test_servers::Port;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::link::Link;

/// Cores must know it; it must not be in their logs.
const PASSWORD: &str = "a-password-of-redis";
/// An answer that is whole by then.
const ANSWER_TIME: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Redis {
    pub(crate) server: roomcast_test_servers::Redis,
    security: Option<Security>,
}

/// A port that speaks TLS, and the authority that signed its certificate, with the files of both.
#[derive(Debug)]
struct Security {
    port: Port,
    folder: TempDir,
}

impl Redis {
    pub(crate) fn start() -> Redis {
        Redis { server: serve(&[]), security: None }
    }

    /// One that also speaks TLS, with a certificate for `localhost`.
    pub(crate) fn start_secure() -> Redis {
        let security = Security { port: Port::reserve(), folder: certified() };
        let number = security.port.address().port().to_string();
        let [certificate, key] =
            ["certificate.pem", "key.pem"].map(|name| security.file(name).display().to_string());
        let settings = [
            ["--tls-port", &number],
            ["--tls-auth-clients", "no"],
            ["--tls-cert-file", &certificate],
            ["--tls-key-file", &key],
            ["--tls-ca-cert-file", &certificate],
        ];
        Redis { server: serve(settings.as_flattened()), security: Some(security) }
    }

    /// What cores are started with.
    pub(crate) fn url(&self) -> String {
        match &self.security {
            Some(Security { port, .. }) => {
                format!("rediss://:{PASSWORD}@localhost:{}", port.address().port())
            }
            None => plain(self.server.address()),
        }
    }

    /// A way to it that can be cut.
    pub(crate) async fn link(&self) -> Link {
        Link::to(self.server.address()).await
    }

    /// What a core is started with that comes by this way.
    pub(crate) fn url_by(&self, link: &Link) -> String {
        plain(link.address())
    }

    /// The file of the authority that cores must know.
    pub(crate) fn authority(&self) -> Option<PathBuf> {
        self.security.as_ref().map(|one| one.file("certificate.pem"))
    }

    pub(crate) async fn client(&self) -> Client {
        let stream = TcpStream::connect(self.server.address()).await.expect("Redis serves");
        let mut client = Client { stream, read: Vec::new() };
        client.say(&[b"AUTH", PASSWORD.as_bytes()]).await;
        assert_eq!(client.line().await, "+OK");
        client
    }
}

impl Security {
    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn plain(address: SocketAddr) -> String {
    format!("redis://:{PASSWORD}@{address}")
}

fn serve(settings: &[&str]) -> roomcast_test_servers::Redis {
    roomcast_test_servers::Redis::start(&[&["--requirepass", PASSWORD][..], settings].concat())
}

/// A certificate and its key, in files.
fn certified() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
    let certified = certified.expect("a certificate");
    let put = |name: &str, text: String| std::fs::write(folder.path().join(name), text);
    put("certificate.pem", certified.cert.pem()).expect("written");
    put("key.pem", certified.signing_key.serialize_pem()).expect("written");
    folder
}

/// A connection that speaks Redis's protocol.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Client {
    /// The channel on which cores speak.
    pub(crate) async fn channel(&mut self) -> String {
        self.say(&[b"PUBSUB", b"CHANNELS", b"roomcast:*"]).await;
        assert_eq!(self.line().await, "*1", "one channel for all cores");
        String::from_utf8(self.bulk().await).expect("a name")
    }

    pub(crate) async fn publish(&mut self, channel: &str, message: &[u8]) {
        self.say(&[b"PUBLISH", channel.as_bytes(), message]).await;
        let heard = self.line().await;
        assert!(heard.starts_with(':'), "{heard}");
    }

    pub(crate) async fn subscribe(&mut self, channel: &str) {
        self.say(&[b"SUBSCRIBE", channel.as_bytes()]).await;
        assert_eq!(self.line().await, "*3");
        let _ = (self.bulk().await, self.bulk().await, self.line().await);
    }

    /// The next message of a channel that it has subscribed to.
    pub(crate) async fn message(&mut self) -> Vec<u8> {
        assert_eq!(self.line().await, "*3");
        let _ = (self.bulk().await, self.bulk().await);
        self.bulk().await
    }

    async fn say(&mut self, words: &[&[u8]]) {
        let mut said = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            said.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            said.extend_from_slice(word);
            said.extend_from_slice(b"\r\n");
        }
        self.stream.write_all(&said).await.expect("written");
    }

    async fn bulk(&mut self) -> Vec<u8> {
        let line = self.line().await;
        let length: usize = line.strip_prefix('$').and_then(|n| n.parse().ok()).expect("a length");
        while self.read.len() < length + 2 {
            self.more().await;
        }
        let rest = self.read.split_off(length + 2);
        let mut bulk = std::mem::replace(&mut self.read, rest);
        bulk.truncate(length);
        bulk
    }

    async fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.read.windows(2).position(|two| two == b"\r\n") {
                let rest = self.read.split_off(end + 2);
                let line = std::mem::replace(&mut self.read, rest);
                return String::from_utf8_lossy(&line[..end]).into_owned();
            }
            self.more().await;
        }
    }

    async fn more(&mut self) {
        let mut piece = [0; 4096];
        let read = tokio::time::timeout(ANSWER_TIME, self.stream.read(&mut piece)).await;
        let count = read.expect("an answer in time").expect("read");
        assert!(count > 0, "Redis closed the connection");
        self.read.extend_from_slice(&piece[..count]);
    }
}
