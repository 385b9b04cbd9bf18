//! The limit: what a machine does that only writes frames to sockets.
//!
//! One thread and no tasks: an event's frame is made once, whatever else is due with it is appended, and
//! each socket of the room gets one write. No session, no ping, no order against anything else.

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use roomcast_wire::packet::{self, Heard};
use roomcast_wire::{frame, upgrade};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

const LISTENER: Token = Token(usize::MAX);
const READ_BYTES: usize = 256 * 1024;
/// A socket whose peer takes nothing is written no more than this.
const UNSENT_MAX: usize = 16 << 20;
const OPEN: &str =
    r#"0{"sid":"raw","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;

#[derive(Default)]
struct Raw {
    connections: Vec<Option<Connection>>,
    rooms: HashMap<String, Room>,
    /// Rooms with something to write.
    due: Vec<String>,
}

#[derive(Default)]
struct Room {
    members: Vec<usize>,
    frames: Vec<u8>,
}

struct Connection {
    stream: TcpStream,
    is_open: bool,
    rest: Vec<u8>,
    unsent: Vec<u8>,
}

fn main() -> anyhow::Result<()> {
    let port = std::env::args().nth(1).unwrap_or_default();
    let mut listener = TcpListener::bind(format!("127.0.0.1:{port}").parse()?)?;
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut events = Events::with_capacity(1024);
    let mut buffer = vec![0; READ_BYTES];
    let mut raw = Raw::default();
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        for event in &events {
            match event.token() {
                LISTENER => raw.accept(&listener, &poll)?,
                Token(number) => {
                    if raw.serve(number, &mut buffer).is_err() {
                        raw.connections[number] = None;
                    }
                }
            }
        }
        raw.write_due();
    }
}

impl Raw {
    fn accept(&mut self, listener: &TcpListener, poll: &Poll) -> io::Result<()> {
        while let Ok((mut stream, _)) = listener.accept() {
            stream.set_nodelay(true)?;
            let token = Token(self.connections.len());
            poll.registry().register(
                &mut stream,
                token,
                Interest::READABLE | Interest::WRITABLE,
            )?;
            let (rest, unsent) = (Vec::new(), Vec::new());
            self.connections.push(Some(Connection { stream, is_open: false, rest, unsent }));
        }
        Ok(())
    }

    fn serve(&mut self, number: usize, buffer: &mut [u8]) -> io::Result<()> {
        let Some(connection) = &mut self.connections[number] else { return Ok(()) };
        connection.write(&[]);
        loop {
            match connection.stream.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => connection.rest.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        for request in connection.requests() {
            match request {
                Request::Join(room) => {
                    self.rooms.entry(room).or_default().members.push(number);
                }
                Request::Publish(room, event) => {
                    let Some(found) = self.rooms.get_mut(&room) else { continue };
                    if found.frames.is_empty() {
                        self.due.push(room);
                    }
                    frame::write(&mut found.frames, event.as_bytes());
                }
            }
        }
        Ok(())
    }

    fn write_due(&mut self) {
        for room in self.due.drain(..) {
            let Some(Room { members, frames }) = self.rooms.get_mut(&room) else { continue };
            for member in members {
                if let Some(connection) = &mut self.connections[*member] {
                    connection.write(frames);
                }
            }
            frames.clear();
        }
    }
}

enum Request {
    Join(String),
    Publish(String, String),
}

impl Connection {
    /// Answers what needs no room, and hands out what does.
    fn requests(&mut self) -> Vec<Request> {
        let mut requests = Vec::new();
        let mut taken = 0;
        let mut answers = Vec::new();
        if !self.is_open {
            let Some((frames, _)) = upgrade::answered(&self.rest) else { return requests };
            (taken, self.is_open) = (frames, true);
            answers.extend_from_slice(accept(&self.rest[..frames]).as_bytes());
            frame::write(&mut answers, OPEN.as_bytes());
        }
        while let Some(found) = frame::at(&self.rest, taken) {
            taken = found.payload.end;
            let packet = &self.rest[found.payload];
            match packet::hear(packet) {
                Heard::Connected => frame::write(&mut answers, br#"40{"sid":"raw"}"#),
                Heard::Event(event) => {
                    let event = String::from_utf8_lossy(event);
                    requests.extend(publish(&event));
                    if let Some(room) = event.strip_prefix("1[\"join\",\"") {
                        requests.push(Request::Join(room.trim_end_matches("\"]").to_owned()));
                        frame::write(&mut answers, b"431[]");
                    }
                }
                Heard::Open | Heard::Refused(_) | Heard::Ping | Heard::Answer(_) | Heard::Other => {
                }
            }
        }
        self.rest.drain(..taken);
        self.write(&answers);
        requests
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.unsent.is_empty() {
            let sent = self.stream.write(bytes).unwrap_or_default();
            self.unsent.extend_from_slice(&bytes[sent..]);
            return;
        }
        if self.unsent.len() < UNSENT_MAX {
            self.unsent.extend_from_slice(bytes);
        }
        let sent = self.stream.write(&self.unsent).unwrap_or_default();
        self.unsent.drain(..sent);
    }
}

/// `["publish","room",{…}]`
fn publish(event: &str) -> Option<Request> {
    let (room, payload) = event.strip_prefix("[\"publish\",\"")?.split_once("\",")?;
    let payload = payload.strip_suffix(']')?;
    Some(Request::Publish(room.to_owned(), format!("42[\"tick\",{payload}]")))
}

fn accept(head: &[u8]) -> String {
    let head = String::from_utf8_lossy(head);
    let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    let accept = derive_accept_key(key.unwrap_or_default().as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}
