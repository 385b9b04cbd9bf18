//! Thousands of sockets on one thread: each costs a read and a look at each frame.

use std::collections::VecDeque;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use roomcast_wire::upgrade;
use socket2::SockRef;

use crate::connection::{Connection, Entrance, Seat, Stage};
use crate::tally::Tally;

/// Read at once, for all sockets in turn.
const READ_BYTES: usize = 256 * 1024;
/// Sockets that are being let in at once.
const ENTERING_MAX: usize = 64;
/// A server that lets nobody in for this long is broken.
const PATIENCE: Duration = Duration::from_secs(60);
/// What a socket that is never read has room for in its system's own buffer.
const UNREAD_BYTES: usize = 4096;

/// The sockets. The first is in no room: it publishes where a server takes events from clients. Then comes
/// the audience that is measured, and then the guests.
pub(crate) struct Crowd {
    poll: Poll,
    events: Events,
    address: SocketAddr,
    entrance: Entrance,
    connections: Vec<Connection>,
    waiting: VecDeque<usize>,
    buffer: Vec<u8>,
    begun: Instant,
    /// Number of the first guest.
    guests_from: usize,
    pub(crate) tally: Tally,
}

impl Crowd {
    /// Nobody yet.
    pub(crate) fn new(
        address: SocketAddr,
        begun: Instant,
        entrance: Entrance,
    ) -> anyhow::Result<Crowd> {
        Ok(Crowd {
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            address,
            entrance,
            connections: Vec::new(),
            waiting: VecDeque::new(),
            buffer: vec![0; READ_BYTES],
            begun,
            guests_from: usize::MAX,
            tally: Tally::default(),
        })
    }

    /// Lets so many more in. Answers how long it took.
    pub(crate) fn gather(&mut self, count: usize) -> anyhow::Result<Duration> {
        let begin = Instant::now();
        let wanted = self.connections.len() + count;
        while self.tally.entered < wanted {
            let entering = self.connections.len() - self.tally.entered;
            if entering < ENTERING_MAX && self.connections.len() < wanted {
                self.connect()?;
                continue;
            }
            anyhow::ensure!(self.tally.lost == 0, "{} connections were lost", self.tally.lost);
            anyhow::ensure!(
                begin.elapsed() < PATIENCE,
                "{} of {wanted} are in",
                self.tally.entered
            );
            self.turn(Duration::from_millis(5))?;
        }
        Ok(begin.elapsed())
    }

    /// Whoever comes from now on is a guest, and enters so.
    pub(crate) fn invite(&mut self, entrance: Entrance) {
        self.guests_from = self.connections.len();
        self.entrance = entrance;
    }

    /// The guests are not read any more, though their connections stand.
    pub(crate) fn ignore_guests(&mut self) -> anyhow::Result<()> {
        for guest in &mut self.connections[self.guests_from..] {
            SockRef::from(&guest.stream).set_recv_buffer_size(UNREAD_BYTES)?;
            self.poll.registry().deregister(&mut guest.stream)?;
        }
        Ok(())
    }

    /// The guests leave.
    pub(crate) fn dismiss(&mut self) {
        self.keep(self.guests_from);
        self.guests_from = usize::MAX;
    }

    /// Only the first so many stay.
    pub(crate) fn keep(&mut self, count: usize) {
        self.connections.truncate(count);
        self.tally.entered = self.connections.len();
    }

    /// Says something by the first socket.
    pub(crate) fn say(&mut self, packets: &[u8]) {
        let first = &mut self.connections[0];
        first.unsent.extend_from_slice(packets);
        first.flush();
    }

    /// Takes in what has come, waiting for it at most so long.
    pub(crate) fn turn(&mut self, wait: Duration) -> anyhow::Result<()> {
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        self.waiting.extend(self.events.iter().map(|event| event.token().0));
        while let Some(number) = self.waiting.pop_front() {
            if self.serve(number).is_err() {
                let connection = &mut self.connections[number];
                if connection.stage != Stage::Lost {
                    connection.stage = Stage::Lost;
                    self.tally.lost += 1;
                }
            }
        }
        Ok(())
    }

    fn connect(&mut self) -> anyhow::Result<()> {
        let mut stream = TcpStream::connect(self.address)?;
        let token = Token(self.connections.len());
        self.poll.registry().register(
            &mut stream,
            token,
            Interest::READABLE | Interest::WRITABLE,
        )?;
        let (rest, unsent) = (Vec::new(), Vec::new());
        self.connections.push(Connection { stream, stage: Stage::Connecting, rest, unsent });
        Ok(())
    }

    fn serve(&mut self, number: usize) -> io::Result<()> {
        // Guests have left in the meantime.
        let Some(connection) = self.connections.get_mut(number) else { return Ok(()) };
        match connection.stage {
            Stage::Lost => return Ok(()),
            Stage::Connecting => {
                if connection.stream.peer_addr().is_err() {
                    return Ok(());
                }
                connection.stream.set_nodelay(true)?;
                connection.unsent = upgrade::request(&self.address.to_string()).into_bytes();
                connection.stage = Stage::Upgrading;
            }
            Stage::Upgrading | Stage::Entering | Stage::In => {}
        }
        connection.flush();
        loop {
            let kept = connection.rest.len();
            self.buffer[..kept].copy_from_slice(&connection.rest);
            let room = self.buffer.len() - kept;
            let read = match connection.stream.read(&mut self.buffer[kept..]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            let bytes = &self.buffer[..kept + read];
            let now = self.begun.elapsed();
            let seat = Seat { number, is_guest: number >= self.guests_from };
            let taken = connection.take(bytes, seat, &self.entrance, &mut self.tally, now)?;
            connection.rest.clear();
            connection.rest.extend_from_slice(&bytes[taken..]);
            // Less than there was room for: there is no more for now.
            if read < room {
                return Ok(());
            }
        }
    }
}
