//! What a connection's owner reads and writes: the lane's end, with an eye on what comes in.
//!
//! Once the connection is a WebSocket, frames are counted as they arrive, before anything is made of
//! them: pings, pongs, fragments and packets that no handler ever sees cost the same here. And the ping
//! that Engine.IO writes right after its handshake is answered here: a client expects its first
//! ping after an interval, and one round trip less is one less for everybody who connects.

use std::{
    io::{self, ErrorKind, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, Waker},
};

use roomcast_runtime::bucket::{Bucket, Rate};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use super::{Network, caps::Held, frames::Frames};
use crate::lane::{Io, KillReason, Lane};

/// Frames of one WebSocket. Above what events are allowed, so that a client which emits too much is
/// answered first; far below what a core takes.
const FRAMES: Rate = Rate { per_second: 1000, burst: 10_000 };

/// The ping as Engine.IO frames it, and a pong as a client does, with a mask of zeros.
const PING: &[u8] = &[0x81, 1, b'2'];
const PONG: &[u8] = &[0x81, 0x81, 0, 0, 0, 0, b'3'];

/// What is spoken on a connection.
#[derive(Debug, Default)]
pub(super) struct Speech(AtomicU8);

const HTTP: u8 = 0;
/// Frames of a session that began with polling.
const RESUMED: u8 = 1;
/// Frames of a session that begins with them.
const FRESH: u8 = 2;

impl Speech {
    /// After the answer under way come frames.
    pub(super) fn become_frames(&self, is_fresh: bool) {
        self.0.store(if is_fresh { FRESH } else { RESUMED }, Ordering::Release);
    }

    fn get(&self) -> u8 {
        self.0.load(Ordering::Acquire)
    }
}

pub(super) struct Inlet {
    io: Io,
    lane: Arc<Lane>,
    speech: Arc<Speech>,
    frames: Frames,
    allowance: Bucket,
    first_ping: FirstPing,
    reader: Option<Waker>,
    _held: Option<Held<Network>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FirstPing {
    Expected,
    /// To be answered between two frames of the client's.
    Unanswered,
    Over,
}

impl Inlet {
    pub(super) fn new(
        (io, lane): (Io, Arc<Lane>),
        speech: Arc<Speech>,
        held: Option<Held<Network>>,
    ) -> Self {
        Self {
            io,
            lane,
            speech,
            frames: Frames::default(),
            allowance: Bucket::new(FRAMES, Instant::now()),
            first_ping: FirstPing::Expected,
            reader: None,
            _held: held,
        }
    }

    fn count(&mut self, bytes: &[u8]) -> io::Result<()> {
        let frames = self.frames.feed(bytes);
        if frames > 0 && self.allowance.take(frames, Instant::now()).is_err() {
            super::limit_hit("frames");
            self.lane.kill(KillReason::Flooding);
            return Err(ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }

    /// Whether these bytes are the ping after the handshake: it is taken out and answered.
    fn takes_ping(&mut self, bytes: &[u8]) -> bool {
        let is_first = self.first_ping == FirstPing::Expected
            && self.speech.get() == FRESH
            && bytes.starts_with(PING);
        if is_first {
            self.first_ping = FirstPing::Unanswered;
            if let Some(reader) = self.reader.take() {
                reader.wake();
            }
        }
        is_first
    }
}

impl AsyncRead for Inlet {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.speech.get() == HTTP {
            return Pin::new(&mut self.io).poll_read(context, buffer);
        }
        let is_due = self.first_ping == FirstPing::Unanswered && self.frames.is_between();
        if is_due && buffer.remaining() >= PONG.len() {
            buffer.put_slice(PONG);
            self.first_ping = FirstPing::Over;
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(context, buffer);
        if read.is_pending() && self.first_ping == FirstPing::Expected {
            self.reader = Some(context.waker().clone());
        }
        self.count(&buffer.filled()[before..])?;
        read
    }
}

impl AsyncWrite for Inlet {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.takes_ping(bytes) {
            return Poll::Ready(Ok(PING.len()));
        }
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
