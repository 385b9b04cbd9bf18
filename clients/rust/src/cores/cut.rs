//! Ends what waits for a core that was given up, though the connection says nothing.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::Status;
use tonic::body::Body;

/// What ends when a core is left: streams always, calls only when it is lost.
#[derive(Debug, Default)]
pub(super) struct Cuts(Mutex<Ends>);

#[derive(Debug)]
struct Ends {
    calls: CancellationToken,
    streams: CancellationToken,
}

impl Default for Ends {
    fn default() -> Ends {
        let calls = CancellationToken::new();
        Ends { streams: calls.child_token(), calls }
    }
}

impl Cuts {
    /// Cancelled when calls that were made by now wait in vain.
    pub(super) fn of_calls(&self) -> CancellationToken {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).calls.clone()
    }

    /// Cancelled when streams that were opened by now are to be opened elsewhere.
    pub(super) fn of_streams(&self) -> CancellationToken {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).streams.clone()
    }

    /// The core was given up: all ends.
    pub(super) fn all(&self) {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).calls.cancel();
    }

    /// Another core is better: streams go there, calls are awaited.
    pub(super) fn streams(&self) {
        let mut ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = ends.calls.child_token();
        std::mem::replace(&mut ends.streams, fresh).cancel();
    }
}

/// Why something ended.
pub(super) fn ended() -> Status {
    Status::unavailable("the core was left for another")
}

/// An answer that ends with an error when its core is left.
#[derive(Debug)]
pub(super) struct Cuttable {
    body: Body,
    end: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Cuttable {
    pub(super) fn body(body: Body, end: CancellationToken) -> Body {
        Body::new(Cuttable { body, end: Box::pin(end.cancelled_owned()) })
    }
}

impl http_body::Body for Cuttable {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame);
        }
        self.end.as_mut().poll(context).map(|()| Some(Err(ended())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
