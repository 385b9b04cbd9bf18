//! A connection with a deadline on writing and a switch.

use std::{
    future::Future as _,
    io::{self, ErrorKind, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::OwnedSemaphorePermit,
    time::{Sleep, sleep},
};

use super::{Control, KillReason};

/// A peer that takes no byte for this long has gone: less than the 20 s in which a ping must be answered.
pub(crate) const STALL_DEADLINE: Duration = Duration::from_secs(15);

/// What HTTP and WebSocket are spoken over.
#[derive(Debug)]
pub struct Io<S> {
    inner: S,
    control: Arc<Control>,
    deadline: Duration,
    stall: Option<Pin<Box<Sleep>>>,
    _place: OwnedSemaphorePermit,
}

impl<S> Io<S> {
    /// Holds its place among the connections until it is dropped.
    pub fn new(inner: S, control: Arc<Control>, place: OwnedSemaphorePermit) -> Self {
        Self::with_deadline(inner, control, place, STALL_DEADLINE)
    }

    fn with_deadline(
        inner: S,
        control: Arc<Control>,
        place: OwnedSemaphorePermit,
        deadline: Duration,
    ) -> Self {
        metrics::gauge!("roomcast_edge_tcp_connections").increment(1.0);
        Self { inner, control, deadline, stall: None, _place: place }
    }

    /// Only a write that moved ends the wait: a flush of nothing is no sign of a peer that reads.
    fn guard(
        &mut self,
        context: &mut Context<'_>,
        wrote: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match wrote {
            Poll::Ready(wrote) => {
                self.stall = None;
                Poll::Ready(wrote)
            }
            Poll::Pending => {
                let deadline = self.deadline;
                let stall = self.stall.get_or_insert_with(|| Box::pin(sleep(deadline)));
                ready!(stall.as_mut().poll(context));
                // The reader waits for a peer that is silent: it must end as well.
                self.control.kill(KillReason::Stalled);
                Poll::Ready(Err(ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl<S> Drop for Io<S> {
    fn drop(&mut self) {
        metrics::gauge!("roomcast_edge_tcp_connections").decrement(1.0);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Io<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.control.is_killed_for_reader(context.waker()) {
            return Poll::Ready(Err(ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Io<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.control.is_killed_for_writer(context.waker()) {
            return Poll::Ready(Err(ErrorKind::ConnectionAborted.into()));
        }
        let wrote = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.guard(context, wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.control.is_killed_for_writer(context.waker()) {
            return Poll::Ready(Err(ErrorKind::ConnectionAborted.into()));
        }
        let wrote = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.guard(context, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, duplex},
        sync::Semaphore,
    };

    use super::*;

    const DEADLINE: Duration = Duration::from_millis(40);

    fn io(inner: tokio::io::DuplexStream) -> (Io<tokio::io::DuplexStream>, Arc<Control>) {
        let control = Arc::new(Control::default());
        let place = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        (Io::with_deadline(inner, Arc::clone(&control), place, DEADLINE), control)
    }

    #[tokio::test]
    async fn a_peer_that_stops_reading_is_given_up_at_the_deadline() {
        let (ours, mut theirs) = duplex(16);
        let (mut io, _control) = io(ours);
        let error = io.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let mut taken = [0; 16];
        theirs.read_exact(&mut taken).await.unwrap();
    }

    #[tokio::test]
    async fn a_write_that_moves_clears_the_deadline() {
        let (ours, mut theirs) = duplex(16);
        let (mut io, _control) = io(ours);
        let writing = tokio::spawn(async move {
            io.write_all(&[0; 64]).await.unwrap();
            io
        });
        theirs.read_exact(&mut [0; 48]).await.unwrap();
        let io = writing.await.unwrap();
        assert!(io.stall.is_none());
    }

    #[tokio::test]
    async fn a_kill_ends_a_read_that_waits() {
        let (ours, _theirs) = duplex(16);
        let (mut io, control) = io(ours);
        let reading = tokio::spawn(async move { io.read(&mut [0; 16]).await });
        tokio::task::yield_now().await;
        control.kill(KillReason::SlowConsumer);
        let error = reading.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
    }
}
