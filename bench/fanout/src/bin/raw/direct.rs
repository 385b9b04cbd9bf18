//! One thread and no tasks: an event's frame is made once, whatever else is due with it is appended, and
//! each socket of the room gets one write.

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use roomcast_wire::frame;

use crate::session::{Request, Session};

const LISTENER: Token = Token(usize::MAX);
const READ_BYTES: usize = 256 * 1024;
/// A socket whose peer takes nothing is written no more than this.
const UNSENT_MAX: usize = 16 << 20;

#[derive(Default)]
struct Server {
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
    session: Session,
    unsent: Vec<u8>,
}

pub(crate) fn serve(address: SocketAddr) -> anyhow::Result<()> {
    let mut listener = TcpListener::bind(address)?;
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut events = Events::with_capacity(1024);
    let mut buffer = vec![0; READ_BYTES];
    let mut server = Server::default();
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        for event in &events {
            match event.token() {
                LISTENER => server.accept(&listener, &poll)?,
                Token(number) => {
                    if server.serve(number, &mut buffer).is_err() {
                        server.connections[number] = None;
                    }
                }
            }
        }
        server.write_due();
    }
}

impl Server {
    fn accept(&mut self, listener: &TcpListener, poll: &Poll) -> io::Result<()> {
        while let Ok((mut stream, _)) = listener.accept() {
            stream.set_nodelay(true)?;
            let token = Token(self.connections.len());
            poll.registry().register(
                &mut stream,
                token,
                Interest::READABLE | Interest::WRITABLE,
            )?;
            let (session, unsent) = (Session::default(), Vec::new());
            self.connections.push(Some(Connection { stream, session, unsent }));
        }
        Ok(())
    }

    fn serve(&mut self, number: usize, buffer: &mut [u8]) -> io::Result<()> {
        let Some(connection) = &mut self.connections[number] else { return Ok(()) };
        connection.write(&[]);
        loop {
            let read = match connection.stream.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            for request in connection.session.hear(&buffer[..read]) {
                match request {
                    Request::Answer(bytes) => connection.write(&bytes),
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
        }
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

impl Connection {
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
