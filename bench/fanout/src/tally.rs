//! What has arrived, and how late.

use std::time::Duration;

use crate::arrivals::Arrivals;
use crate::connection::Seat;

/// Of so many sockets one looks at the latency; all are counted.
const SAMPLED: usize = 8;
/// How the events begin that are counted: those of a room, and a command's on a session.
const COUNTED: [&[u8]; 2] = [b"[\"tick\"", b"[\"graph:property-changed\""];
/// Stands before an event's intended moment.
const DUE: &[u8] = b"\"due\":\"";
/// Digits of that moment: nanoseconds since the run began.
const DUE_DIGITS: usize = 16;

/// What has arrived since it was last reset.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) deliveries: u64,
    pub(crate) bytes: u64,
    pub(crate) arrivals: Arrivals,
    /// What came to guests.
    pub(crate) apart: u64,
    /// Sockets that have entered, and that have lost their connection.
    pub(crate) entered: usize,
    pub(crate) lost: usize,
}

impl Tally {
    /// From here on it counts from nothing, except who is in.
    pub(crate) fn forget(&mut self) {
        *self = Tally { entered: self.entered, apart: self.apart, ..Tally::default() };
    }

    /// Counts an event that has come.
    pub(crate) fn count(&mut self, seat: Seat, event: &[u8], now: Duration) {
        if seat.is_guest {
            self.apart += 1;
            return;
        }
        self.deliveries += 1;
        // The packet's own bytes: "42" and the event.
        self.bytes += event.len() as u64 + 2;
        if seat.number % SAMPLED == 1 {
            self.arrivals.add(late_by(event, now));
        }
    }
}

/// The packet's text for an event that is due then, and what fills it up.
pub(crate) fn event(due: Duration, filler: &str) -> String {
    format!(r#"{{"due":"{:016}","filler":"{filler}"}}"#, due.as_nanos())
}

/// Whether an event is one of those that are published to be measured.
pub(crate) fn is_counted(event: &[u8]) -> bool {
    COUNTED.iter().any(|begin| event.starts_with(begin))
}

/// How many microseconds after its moment an event has come.
fn late_by(event: &[u8], now: Duration) -> u64 {
    let begin = event.windows(DUE.len()).position(|window| window == DUE).map(|at| at + DUE.len());
    let digits = begin.and_then(|begin| event.get(begin..begin + DUE_DIGITS)).unwrap_or_default();
    let due = digits.iter().fold(0, |due, digit| due * 10 + u64::from(digit - b'0'));
    (now.as_nanos() as u64).saturating_sub(due) / 1000
}
