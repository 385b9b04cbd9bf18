//! Server-sent events: a topic as a stream that a browser resumes by itself.
//!
//! `id:` is the cursor, `event:` the wire name, `data:` the payload. The stream begins with `snapshot`
//! (or `reset`, when the cursor given could not be followed) unless it resumes; a topic that is over
//! ends it with `closed`, an edge that shuts down with `closing`. Frames are written by hand: axum's own
//! event type panics at the carriage returns that a publisher's JSON may hold.

mod frame;

use std::{convert::Infallible, time::Duration};

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures::stream;
use http::{HeaderName, HeaderValue, header};
use roomcast_proto::registry::Code;
use roomcast_runtime::trace::TraceContext;
use serde::Serialize;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use self::frame::Frame;
use super::{accept::EVENT_STREAM, snapshot};
use crate::{
    auth::{Notice, Refused, Standing},
    feed::{Closed, Delivery, Joined, Reader},
    listener::Held,
};

/// A quiet stream says this often that it lives: well under the minute after which proxies close one.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long a browser waits before it comes back.
const RECONNECT_AFTER_MS: u64 = 1000;

/// A topic from where it was joined until it ends, the caller leaves, or `shutdown`.
pub(super) fn response(
    joined: Joined,
    types: Vec<String>,
    (standing, place): (Standing, Held<(String, String)>),
    shutdown: CancellationToken,
) -> Response {
    let first = opening(&joined);
    let told = joined.reader.cursor().to_owned();
    let reader = joined.reader;
    let follower =
        Follower { reader, types, standing, _place: place, shutdown, told, is_over: false };
    let frames = stream::unfold((Some(first), follower), |(first, mut follower)| async move {
        let bytes = match first {
            Some(first) => first,
            None if follower.is_over => return None,
            None => follower.next().await,
        };
        Some((Ok::<_, Infallible>(bytes), (None, follower)))
    });
    let mut response = Body::from_stream(frames).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
    // nginx would hold events back until its buffer is full.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

/// What a stream says first: where it stands, unless the caller knows.
fn opening(joined: &Joined) -> Bytes {
    let response = &joined.response;
    let opening = Frame::retry(RECONNECT_AFTER_MS);
    match &response.reset {
        Some(reset) => opening.event("reset", &snapshot::payload(response, Some(reset.reason()))),
        None if response.resumed => return opening.comment("resumed").finish(),
        None => opening.event("snapshot", &snapshot::payload(response, None)),
    }
    .id(&response.cursor)
    .finish()
}

struct Follower {
    reader: Reader,
    /// Types to deliver; none means all.
    types: Vec<String>,
    /// Of the user who reads.
    standing: Standing,
    /// One of those that the user may follow.
    _place: Held<(String, String)>,
    shutdown: CancellationToken,
    /// The last `id:` written.
    told: String,
    is_over: bool,
}

#[derive(Debug, Serialize)]
struct End<'a> {
    reason: &'a str,
    cursor: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Closing {
    reason: &'static str,
    retry_after_ms: u64,
}

impl Follower {
    /// The next frame, sooner or later.
    async fn next(&mut self) -> Bytes {
        let quiet_until = Instant::now() + KEEP_ALIVE;
        loop {
            let delivery = tokio::select! {
                delivery = self.reader.next() => delivery,
                () = sleep_until(quiet_until) => return self.keep_alive(),
                () = self.shutdown.cancelled() => return self.closing(),
                notice = self.standing.next() => match self.heed(notice).await {
                    Some(frame) => return frame,
                    None => continue,
                },
            };
            match delivery {
                Delivery::Event(event) if self.wants(event.event_type()) => {
                    self.told = event.cursor().to_owned();
                    let frame = Frame::default().event(event.name(), event.payload());
                    return frame.id(event.cursor()).finish();
                }
                Delivery::Event(_) => {}
                Delivery::Reset(reset) => {
                    let payload = snapshot::payload(&reset.response, Some(reset.reason));
                    self.told.clone_from(&reset.response.cursor);
                    return Frame::default().event("reset", &payload).id(&self.told).finish();
                }
                Delivery::Closed(closed) => return self.closed(&closed),
            }
        }
    }

    /// Acts on news of the user's standing: the stream's last frame, if it ends here.
    async fn heed(&mut self, notice: Notice) -> Option<Bytes> {
        let refused = match notice {
            // A browser cannot show a fresh token on a stream: it opens another.
            Notice::Expiring(_) => return None,
            Notice::Expired => Refused::of(Code::TokenExpired),
            Notice::Doubtful => self.standing.check(&[], TraceContext::generate()).await.err()?,
        };
        let Refused { code, message } = refused;
        metrics::counter!("roomcast_edge_refusals_total", "code" => code.as_str()).increment(1);
        Some(self.closed(&Closed::Refused { code, message }))
    }

    fn wants(&self, event_type: &str) -> bool {
        self.types.is_empty() || self.types.iter().any(|wanted| wanted == event_type)
    }

    /// An `id:` without data moves a browser's cursor over what the filter left out.
    fn keep_alive(&mut self) -> Bytes {
        let frame = Frame::default().comment("keep-alive");
        if self.told == self.reader.cursor() {
            return frame.finish();
        }
        self.told = self.reader.cursor().to_owned();
        frame.id(&self.told).finish()
    }

    fn closed(&mut self, closed: &Closed) -> Bytes {
        self.is_over = true;
        let cursor = self.reader.cursor();
        let end = match closed {
            Closed::Ended => End { reason: "ended", cursor, message: None },
            Closed::Refused { code, message } => {
                End { reason: code.as_str(), cursor, message: Some(message) }
            }
        };
        Frame::default().event("closed", &text(&end)).id(cursor).finish()
    }

    fn closing(&mut self) -> Bytes {
        self.is_over = true;
        let closing =
            Closing { reason: Code::Draining.as_str(), retry_after_ms: RECONNECT_AFTER_MS };
        Frame::default().event("closing", &text(&closing)).finish()
    }
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "{}".to_owned())
}
