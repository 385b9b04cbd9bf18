//! The stream below a lane, and what is being written to it.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use metrics::Gauge;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};

/// Pieces of one vectored write: what hyper uses as well, far below the system's limit of 1024.
const SLICES_MAX: usize = 64;
/// An empty list keeps room for so many pieces: thousands of idle lanes must cost little.
const KEPT_CAPACITY: usize = 8;

/// What a lane writes to: TCP, or TLS over it.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

pub(super) struct Pipe {
    /// None once the connection is over.
    stream: Option<Box<dyn Stream>>,
    writing: VecDeque<Bytes>,
    /// Bytes of the first piece that are written.
    written: usize,
    blocked_since: Option<Instant>,
    /// Its flusher looks at it until it is not blocked any more.
    is_watched: bool,
    /// What the gauge of waiting bytes has of this lane.
    reported: usize,
}

impl std::fmt::Debug for Pipe {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Pipe").finish_non_exhaustive()
    }
}

impl Pipe {
    pub(super) fn new(stream: impl Stream + 'static) -> Self {
        Self {
            stream: Some(Box::new(stream)),
            writing: VecDeque::new(),
            written: 0,
            blocked_since: None,
            is_watched: false,
            reported: 0,
        }
    }

    pub(super) fn stream(&mut self) -> io::Result<Pin<&mut (dyn Stream + 'static)>> {
        match &mut self.stream {
            Some(stream) => Ok(Pin::new(stream.as_mut())),
            None => Err(ErrorKind::ConnectionAborted.into()),
        }
    }

    /// Nothing is being written.
    pub(super) fn is_idle(&self) -> bool {
        self.writing.is_empty()
    }

    /// Where the queue puts what comes next.
    pub(super) fn writing(&mut self) -> &mut VecDeque<Bytes> {
        &mut self.writing
    }

    /// One vectored write.
    pub(super) fn write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Some(stream) = &mut self.stream else {
            return Poll::Ready(Err(ErrorKind::ConnectionAborted.into()));
        };
        let mut slices = [IoSlice::new(&[]); SLICES_MAX];
        let mut count = 0;
        for (slice, piece) in slices.iter_mut().zip(&self.writing) {
            *slice = IoSlice::new(if count == 0 { &piece[self.written..] } else { piece });
            count += 1;
        }
        let wrote = Pin::new(stream).poll_write_vectored(context, &slices[..count]);
        let wrote = self.note(wrote);
        if let Poll::Ready(Ok(bytes)) = wrote {
            self.advance(bytes);
        }
        wrote
    }

    /// Only a write that moved ends the wait.
    pub(super) fn note(&mut self, wrote: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &wrote {
            Poll::Ready(Ok(0)) => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
            Poll::Ready(_) => self.blocked_since = None,
            Poll::Pending => {
                self.blocked_since.get_or_insert_with(Instant::now);
            }
        }
        wrote
    }

    /// What a layer below holds back, as TLS does, goes out as well.
    pub(super) fn flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(stream) = &mut self.stream else { return Poll::Ready(Ok(())) };
        let flushed = Pin::new(stream).poll_flush(context);
        if flushed.is_pending() {
            self.blocked_since.get_or_insert_with(Instant::now);
        } else {
            self.blocked_since = None;
        }
        flushed
    }

    fn advance(&mut self, mut bytes: usize) {
        while let Some(first) = self.writing.front() {
            let rest = first.len() - self.written;
            if bytes < rest {
                self.written += bytes;
                return;
            }
            bytes -= rest;
            self.written = 0;
            self.writing.pop_front();
        }
        if self.writing.capacity() > KEPT_CAPACITY {
            self.writing = VecDeque::new();
        }
    }

    pub(super) fn is_blocked(&self) -> bool {
        self.blocked_since.is_some()
    }

    /// Answers whether it was not watched already.
    pub(super) fn watch(&mut self) -> bool {
        !std::mem::replace(&mut self.is_watched, true)
    }

    /// For its watcher, who lets go of a pipe that is not blocked any more.
    pub(super) fn still_blocked_since(&mut self) -> Option<Instant> {
        self.is_watched = self.is_blocked();
        self.blocked_since
    }

    pub(super) fn report(&mut self, waiting: usize, gauge: &Gauge) {
        if waiting != self.reported {
            gauge.increment(crate::gauge(waiting) - crate::gauge(self.reported));
            self.reported = waiting;
        }
    }

    /// The connection is over: the descriptor goes, and with it the wakers that hold the lane.
    pub(super) fn close(&mut self) {
        self.stream = None;
        self.writing = VecDeque::new();
        self.blocked_since = None;
    }
}
