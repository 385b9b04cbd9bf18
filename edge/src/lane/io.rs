//! What HTTP and WebSocket are spoken over: the owner's end of a lane.

use std::{
    io::{self, ErrorKind, IoSlice},
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::OwnedSemaphorePermit,
};

use super::Lane;

/// How hyper begins the answer that ends HTTP on a connection.
const SWITCHING: &[u8] = b"HTTP/1.1 101 ";

/// Reads from the stream; writes to it, and once it is a WebSocket to the lane's queue.
#[derive(Debug)]
pub struct Io {
    lane: Arc<Lane>,
    _place: OwnedSemaphorePermit,
}

impl Io {
    pub(super) fn new(lane: Arc<Lane>, place: OwnedSemaphorePermit) -> Self {
        Self { lane, _place: place }
    }

    fn poll_killed(&self, context: &Context<'_>) -> io::Result<()> {
        if self.lane.control.is_killed_for_writer(context.waker()) {
            return Err(ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }

    /// Frames are taken whole, or not at all while too much waits.
    fn poll_queue(&self, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let greeting = self.lane.greeting.get().map(Arc::as_ref);
        let has_opened = {
            let mut queue = self.lane.queue();
            if !queue.takes_writes() {
                return Poll::Pending;
            }
            queue
                .write(bytes, greeting)
                .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?
        };
        self.lane.mark();
        if has_opened {
            self.lane.changed.notify_waiters();
        }
        Poll::Ready(Ok(bytes.len()))
    }

    /// Before the upgrade: straight to the stream, which holds its writer back by itself.
    fn poll_through(
        &self,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut pipe = self.lane.pipe();
        let wrote = pipe.stream()?.poll_write_vectored(context, slices);
        let wrote = pipe.note(wrote);
        drop(pipe);
        match wrote {
            Poll::Pending => self.lane.mark(),
            Poll::Ready(Ok(bytes)) => {
                self.lane.shared.meters.sent.increment(bytes as u64);
                let head = slices.iter().find(|slice| slice.starts_with(SWITCHING));
                if let Some(head) = head
                    && self.lane.takes_frames()
                    && self.lane.queue().is_upgrading()
                {
                    if bytes < head.len() {
                        // Nothing was written before it that a peer could still have to take.
                        return Poll::Ready(Err(ErrorKind::WriteZero.into()));
                    }
                    self.lane.is_upgraded.store(true, Ordering::Release);
                }
            }
            Poll::Ready(Err(_)) => {}
        }
        wrote
    }
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.lane.control.is_killed_for_reader(context.waker()) {
            return Poll::Ready(Err(ErrorKind::ConnectionAborted.into()));
        }
        let before = buffer.filled().len();
        let read = self.lane.pipe().stream()?.poll_read(context, buffer);
        let received = buffer.filled().len() - before;
        if received > 0 {
            self.lane.shared.meters.received.increment(received as u64);
        }
        read
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_killed(context)?;
        if self.lane.is_upgraded.load(Ordering::Acquire) {
            return self.poll_queue(bytes);
        }
        self.poll_through(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_killed(context)?;
        if self.lane.is_upgraded.load(Ordering::Acquire) {
            let first = slices.iter().find(|slice| !slice.is_empty());
            return self.poll_queue(first.map_or(&[], |slice| slice));
        }
        self.poll_through(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// What is queued is the flusher's.
    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lane.is_upgraded.load(Ordering::Acquire) {
            return Poll::Ready(Ok(()));
        }
        self.lane.pipe().stream()?.poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.lane.flush();
        self.lane.pipe().stream()?.poll_shutdown(context)
    }
}

impl Drop for Io {
    fn drop(&mut self) {
        // A farewell that was just queued still goes, if the peer takes it.
        self.lane.flush();
        self.lane.queue().end();
        let mut pipe = self.lane.pipe();
        pipe.report(0, &self.lane.shared.meters.waiting);
        pipe.close();
        drop(pipe);
        self.lane.changed.notify_waiters();
        self.lane.shared.meters.connections.decrement(1.0);
    }
}
