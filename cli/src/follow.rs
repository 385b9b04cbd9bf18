//! Follows a topic by its cursor, through broken streams and restarts of the core.

use std::time::Duration;

use roomcast_client::backoff::Backoff;
use roomcast_proto::registry::Code;
use roomcast_proto::v1::CloseReason;
use tokio::time::{Instant, sleep};
use tonic::{Status, Streaming};

use crate::failure::Failure;
use crate::frame::Frame;
use crate::output::Output;

/// The first wait before coming back, at most; doubled up to [`WAIT_MAX`].
const WAIT_FIRST: Duration = Duration::from_millis(200);
/// See [`WAIT_FIRST`].
const WAIT_MAX: Duration = Duration::from_secs(3);
/// After so long without the core a script should hear of it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A reader of one topic. `open` opens a stream from a cursor.
#[derive(Debug)]
pub(crate) struct Follow<T, O> {
    open: O,
    since: String,
    stream: Option<Streaming<T>>,
    /// Since when nothing has come.
    gone_since: Option<Instant>,
    output: Output,
}

impl<T, O> Follow<T, O>
where
    T: Into<Frame>,
    O: AsyncFnMut(String) -> Result<Streaming<T>, Status>,
{
    /// Opens the stream. That it cannot be opened the first time is told at once.
    pub(crate) async fn open(mut open: O, since: String, output: Output) -> Result<Self, Failure> {
        let stream = open(since.clone()).await?;
        Ok(Self { open, since, stream: Some(stream), gone_since: None, output })
    }

    /// The next frame; `None` when the topic has ended.
    pub(crate) async fn next(&mut self) -> Result<Option<Frame>, Failure> {
        loop {
            let Some(stream) = &mut self.stream else {
                self.reopen().await?;
                continue;
            };
            let frame = match stream.message().await {
                Ok(Some(response)) => response.into(),
                Ok(None) => {
                    self.stream = None;
                    continue;
                }
                Err(status) if may_pass(&status) => {
                    self.stream = None;
                    continue;
                }
                Err(status) => return Err(status.into()),
            };
            match &frame {
                Frame::Closed(closed) => match closed.reason() {
                    CloseReason::Ended => return Ok(None),
                    CloseReason::Revoked => {
                        let message = "the right to the topic is gone";
                        return Err(Code::PermissionDenied.status(message).into());
                    }
                    CloseReason::Draining | CloseReason::Unspecified => self.stream = None,
                },
                Frame::Snapshot(_)
                | Frame::Event(_)
                | Frame::CaughtUp { .. }
                | Frame::Heartbeat { .. }
                | Frame::Reset(_)
                | Frame::Unknown => {
                    self.gone_since = None;
                    if let Some(cursor) = frame.cursor() {
                        cursor.clone_into(&mut self.since);
                    }
                    return Ok(Some(frame));
                }
            }
        }
    }

    /// Comes back to where the reader stands. A core that takes the stream and ends it at once is as
    /// good as gone.
    async fn reopen(&mut self) -> Result<(), Failure> {
        if self.gone_since.is_none() {
            self.output.note("the stream broke; going on after the last event");
        }
        let gone_since = *self.gone_since.get_or_insert_with(Instant::now);
        let mut backoff = Backoff::new(WAIT_FIRST, WAIT_MAX);
        loop {
            sleep(backoff.wait()).await;
            match (self.open)(self.since.clone()).await {
                Ok(stream) if gone_since.elapsed() < PATIENCE => {
                    self.stream = Some(stream);
                    return Ok(());
                }
                Ok(_) => return Err(Code::CoreUnavailable.status("it ends every stream").into()),
                Err(status) if may_pass(&status) && gone_since.elapsed() < PATIENCE => {}
                Err(status) => return Err(status.into()),
            }
        }
    }
}

fn may_pass(status: &Status) -> bool {
    Code::of(status).entry().retryable
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use roomcast_proto::v1::WatchTopicResponse;
    use tonic::body::Body;
    use tonic::codec::{DecodeBuf, Decoder};

    use super::*;
    use crate::exit::Exit;
    use crate::output::Format;

    /// Of a stream that says nothing.
    struct Nothing;

    impl Decoder for Nothing {
        type Item = WatchTopicResponse;
        type Error = Status;

        fn decode(&mut self, _: &mut DecodeBuf<'_>) -> Result<Option<Self::Item>, Status> {
            Ok(None)
        }
    }

    #[tokio::test]
    async fn readers_that_lost_their_core_in_one_moment_come_back_in_many() {
        let lost = Instant::now();
        let readers = (0..20).map(async |_| {
            let mut came = None;
            let mut follow = Follow {
                open: async |_: String| {
                    came = Some(lost.elapsed().as_millis());
                    Err::<Streaming<WatchTopicResponse>, _>(Code::PermissionDenied.status("no"))
                },
                since: String::new(),
                stream: None,
                gone_since: Some(lost),
                output: Output::new(Format::Json),
            };
            follow.next().await.unwrap_err();
            came.expect("it came")
        });
        let mut came = join_all(readers).await;
        came.sort_unstable();
        let spread = came[came.len() - 1] - came[0];
        assert!(spread > WAIT_FIRST.as_millis() / 8, "they came at {came:?}");
    }

    #[tokio::test]
    async fn a_core_that_ends_every_stream_at_once_is_as_good_as_gone() {
        let mut follow = Follow {
            open: async |_: String| Ok(Streaming::new_empty(Nothing, Body::empty())),
            since: String::new(),
            stream: None,
            gone_since: Instant::now().checked_sub(PATIENCE),
            output: Output::new(Format::Json),
        };
        let told = tokio::time::timeout(PATIENCE / 4, follow.next()).await.expect("it is told");
        assert_eq!(told.unwrap_err().exit(), Exit::UNAVAILABLE);
    }
}
