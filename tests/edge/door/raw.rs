//! A client that writes whatever bytes it is told to.

use std::{net::SocketAddr, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// Longest wait for anything: two busy cores make moments long.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const TEXT: u8 = 1;
pub(crate) const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

pub(crate) struct Raw {
    stream: TcpStream,
    read: Vec<u8>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The code of a problem.
    pub(crate) fn code(&self) -> String {
        let problem: Value = serde_json::from_str(&self.body).unwrap_or_default();
        problem["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The id of the session that it opens.
    pub(crate) fn sid(&self) -> String {
        let opening: Value = serde_json::from_str(self.body.strip_prefix('0').unwrap()).unwrap();
        opening["sid"].as_str().unwrap().to_owned()
    }
}

impl Raw {
    /// From one of this machine's own addresses: all of 127.0.0.0/8 are.
    pub(crate) async fn from(address: &str, to: SocketAddr) -> Raw {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(address.parse().unwrap(), 0)).unwrap();
        Raw { stream: socket.connect(to).await.unwrap(), read: Vec::new() }
    }

    /// Whether the other side still took it.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> bool {
        timeout(PATIENCE, self.stream.write_all(bytes)).await.is_ok_and(|wrote| wrote.is_ok())
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, "", "").await
    }

    /// One request, its headers as they stand on the wire.
    pub(crate) async fn ask(&mut self, method: &str, path: &str, more: &str, body: &str) -> Answer {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\n{more}content-length: {length}\r\n\r\n"
        );
        self.write(head.as_bytes()).await;
        self.write(body.as_bytes()).await;
        self.answer().await.expect("an answer")
    }

    /// The next answer, or nothing when the connection ends without one.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.more().await {
                return None;
            }
        };
        let head = String::from_utf8_lossy(&self.read[..end]).to_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let length: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
        while self.read.len() < end + length && self.more().await {}
        let whole = self.read.len().min(end + length);
        let body = String::from_utf8_lossy(&self.read[end..whole]).into_owned();
        self.read.drain(..whole);
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Some(Answer { status, head, body })
    }

    /// Reads more. Answers whether the connection still stands.
    async fn more(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        match timeout(PATIENCE, self.stream.read(&mut buffer)).await.expect("bytes, or the end") {
            Ok(0) | Err(_) => false,
            Ok(bytes) => {
                self.read.extend_from_slice(&buffer[..bytes]);
                true
            }
        }
    }

    /// Whether the connection ends by itself within so many seconds, with or without a word.
    pub(crate) async fn ends_within(&mut self, seconds: u64) -> bool {
        let mut buffer = [0; 1024];
        let end = async { while !matches!(self.stream.read(&mut buffer).await, Ok(0) | Err(_)) {} };
        timeout(Duration::from_secs(seconds), end).await.is_ok()
    }

    pub(crate) async fn upgrade(&mut self, query: &str, more: &str) -> Answer {
        let head = format!(
            "GET /socket.io/?EIO=4&transport=websocket{query} HTTP/1.1\r\nhost: x\r\n{more}\
             connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        self.write(head.as_bytes()).await;
        self.answer().await.expect("an answer to the upgrade")
    }

    /// A WebSocket whose session is open.
    pub(crate) async fn opened(mut self) -> Raw {
        assert_eq!(self.upgrade("", "").await.status, 101);
        assert!(self.packet("0{").await.is_some());
        self
    }

    /// A WebSocket that is let in as `dev`.
    pub(crate) async fn connected(self) -> Raw {
        let mut socket = self.opened().await;
        socket.say("40").await;
        assert!(socket.packet("40{").await.is_some());
        socket
    }

    pub(crate) async fn say(&mut self, text: &str) -> bool {
        self.write(&frame(TEXT, text.as_bytes())).await
    }

    /// The payload of the next frame of the server's.
    async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((opcode, payload, length)) = parse(&self.read) {
                self.read.drain(..length);
                return Some((opcode, payload));
            }
            if !self.more().await {
                return None;
            }
        }
    }

    /// The next packet that begins so, or nothing when the connection ends before it.
    pub(crate) async fn packet(&mut self, begins: &str) -> Option<String> {
        loop {
            match self.next().await? {
                (TEXT, payload) if payload.starts_with(begins.as_bytes()) => {
                    return Some(String::from_utf8(payload).unwrap());
                }
                (8, _) => return None,
                _ => {}
            }
        }
    }
}

/// One whole frame, masked with zeros.
pub(crate) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    part(0x80 | opcode, payload)
}

/// A frame with a first byte of the caller's own.
pub(crate) fn part(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..=125 => frame.push(0x80 | u8::try_from(length).unwrap()),
        length @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

/// A server's frame: opcode, payload, length of it all.
fn parse(bytes: &[u8]) -> Option<(u8, Vec<u8>, usize)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    let (length, head) = match second & 0x7f {
        126 => (usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().unwrap())), 4),
        127 => {
            let length = u64::from_be_bytes(bytes.get(2..10)?.try_into().unwrap());
            (usize::try_from(length).unwrap(), 10)
        }
        length => (usize::from(length), 2),
    };
    let payload = bytes.get(head..head + length)?.to_vec();
    Some((first & 0x0f, payload, head + length))
}
