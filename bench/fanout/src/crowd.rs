//! Thousands of sockets on one thread: each costs a read and a look at each frame.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use roomcast_wire::packet::{self, Heard};
use roomcast_wire::{frame, upgrade};

use crate::arrivals::Arrivals;

/// Read at once, for all sockets in turn.
const READ_BYTES: usize = 256 * 1024;
/// Sockets that are being let in at once.
const ENTERING_MAX: usize = 64;
/// A server that lets nobody in for this long is broken.
const PATIENCE: Duration = Duration::from_secs(60);
/// Of so many sockets one looks at the latency; all are counted.
const SAMPLED: usize = 8;
/// Stands before an event's intended moment.
const DUE: &[u8] = b"\"due\":\"";
/// Digits of that moment: nanoseconds since the run began.
const DUE_DIGITS: usize = 16;

/// What a socket says once it is connected, with an acknowledgement asked for.
pub(crate) type Entrance = Box<dyn Fn(usize) -> Entering>;

/// How one socket enters its room.
#[derive(Debug)]
pub(crate) struct Entering {
    /// Its `auth`.
    pub(crate) auth: String,
    /// The packet whose acknowledgement says that it is in.
    pub(crate) request: String,
}

/// The sockets. The first is in no room: it publishes where a server takes events from clients.
pub(crate) struct Crowd {
    poll: Poll,
    events: Events,
    address: SocketAddr,
    entrance: Entrance,
    connections: Vec<Connection>,
    waiting: VecDeque<usize>,
    buffer: Vec<u8>,
    begun: Instant,
    pub(crate) tally: Tally,
}

/// What has arrived since it was last reset.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) deliveries: u64,
    pub(crate) bytes: u64,
    pub(crate) arrivals: Arrivals,
    /// Sockets that have entered, and that have lost their connection.
    pub(crate) entered: usize,
    pub(crate) lost: usize,
}

struct Connection {
    stream: TcpStream,
    stage: Stage,
    /// The beginning of a frame whose end has not come.
    rest: Vec<u8>,
    /// What the server has not taken yet.
    unsent: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Connecting,
    Upgrading,
    Entering,
    In,
    Lost,
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
        let connection = &mut self.connections[number];
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
            let taken = connection.take(bytes, number, &self.entrance, &mut self.tally, now)?;
            connection.rest.clear();
            connection.rest.extend_from_slice(&bytes[taken..]);
            // Less than there was room for: there is no more for now.
            if read < room {
                return Ok(());
            }
        }
    }
}

impl Connection {
    /// Takes in all frames that are whole. Answers how many bytes they were.
    fn take(
        &mut self,
        bytes: &[u8],
        number: usize,
        entrance: &Entrance,
        tally: &mut Tally,
        now: Duration,
    ) -> io::Result<usize> {
        let mut taken = 0;
        if self.stage == Stage::Upgrading {
            let Some((frames, is_switched)) = upgrade::answered(bytes) else { return Ok(0) };
            if !is_switched {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            (taken, self.stage) = (frames, Stage::Entering);
        }
        while let Some(found) = frame::at(bytes, taken) {
            taken = found.payload.end;
            if found.opcode == frame::CLOSE {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            match packet::hear(&bytes[found.payload.clone()]) {
                Heard::Event(event) if event.starts_with(b"[\"tick\"") => {
                    tally.deliveries += 1;
                    tally.bytes += found.payload.len() as u64;
                    if number.is_multiple_of(SAMPLED) {
                        tally.arrivals.add(late_by(event, now));
                    }
                }
                Heard::Open => self.say(&packet::connect(&entrance(number).auth)),
                Heard::Connected => self.say(&entrance(number).request),
                Heard::Ping => self.say(packet::PONG),
                Heard::Answer(_) if self.stage == Stage::Entering => {
                    self.stage = Stage::In;
                    tally.entered += 1;
                }
                Heard::Refused(_) => return Err(io::ErrorKind::PermissionDenied.into()),
                Heard::Answer(_) | Heard::Event(_) | Heard::Other => {}
            }
        }
        Ok(taken)
    }

    fn say(&mut self, text: &str) {
        self.unsent.extend_from_slice(&frame::masked(text));
        self.flush();
    }

    /// Sends what the server takes; what it does not, at the next turn.
    fn flush(&mut self) {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(sent) => drop(self.unsent.drain(..sent)),
                // A connection that is broken is found so by its next read.
                Err(_) => return,
            }
        }
    }
}

/// The packet's text for an event that is due then, and what fills it up.
pub(crate) fn event(due: Duration, filler: &str) -> String {
    format!(r#"{{"due":"{:016}","filler":"{filler}"}}"#, due.as_nanos())
}

/// How many microseconds after its moment an event has come.
fn late_by(event: &[u8], now: Duration) -> u64 {
    let begin = event.windows(DUE.len()).position(|window| window == DUE).map(|at| at + DUE.len());
    let digits = begin.and_then(|begin| event.get(begin..begin + DUE_DIGITS)).unwrap_or_default();
    let due = digits.iter().fold(0, |due, digit| due * 10 + u64::from(digit - b'0'));
    (now.as_nanos() as u64).saturating_sub(due) / 1000
}
