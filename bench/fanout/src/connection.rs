//! One socket: from its connecting to what it hears.

use std::io::{self, Write as _};
use std::time::Duration;

use mio::net::TcpStream;
use roomcast_wire::packet::{self, Heard};
use roomcast_wire::{frame, upgrade};

use crate::tally::{Tally, is_counted};

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

/// One socket.
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    pub(crate) stage: Stage,
    /// The beginning of a frame whose end has not come.
    pub(crate) rest: Vec<u8>,
    /// What the server has not taken yet.
    pub(crate) unsent: Vec<u8>,
}

/// Who a socket is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seat {
    pub(crate) number: usize,
    pub(crate) is_guest: bool,
}

/// How far a socket has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Connecting,
    Upgrading,
    Entering,
    In,
    Lost,
}

impl Connection {
    /// Takes in all frames that are whole. Answers how many bytes they were.
    pub(crate) fn take(
        &mut self,
        bytes: &[u8],
        seat: Seat,
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
                Heard::Event(event) if is_counted(event) => {
                    tally.count(seat, event, now);
                }
                Heard::Open => self.say(&packet::connect(&entrance(seat.number).auth)),
                Heard::Connected => self.say(&entrance(seat.number).request),
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
    pub(crate) fn flush(&mut self) {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(sent) => drop(self.unsent.drain(..sent)),
                // A connection that is broken is found so by its next read.
                Err(_) => return,
            }
        }
    }
}
