//! Server-sent events, read as a browser reads them.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::Value;

use super::rest::Rest;

/// Longest wait for the next event of a stream that should have one.
const PATIENCE: Duration = Duration::from_secs(20);

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Frame {
    pub(crate) event: String,
    /// The cursor.
    pub(crate) id: String,
    pub(crate) data: Value,
}

/// An open stream.
#[derive(Debug)]
pub(crate) struct Sse {
    response: Response,
    unread: String,
}

impl Sse {
    /// Opens a stream; with `last_id` as a browser that comes back does.
    pub(crate) async fn open(rest: &Rest, path: &str, last_id: Option<&str>) -> Sse {
        let response = Sse::request(rest, path, last_id).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Sse { response, unread: String::new() }
    }

    /// The answer, whatever it is.
    pub(crate) async fn request(rest: &Rest, path: &str, last_id: Option<&str>) -> Response {
        let mut request = rest.request(Method::GET, path).header("accept", "text/event-stream");
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        request.send().await.expect("an answer")
    }

    /// The next event, or nothing at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        loop {
            while let Some((block, rest)) = self.unread.split_once("\n\n") {
                let frame = parse(block);
                self.unread = rest.to_owned();
                if frame.is_some() {
                    return frame;
                }
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await;
            let chunk = chunk.expect("an event in time").ok()??;
            self.unread.push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
        }
    }

    /// Reads until an event of this name, and answers all that came, that one last.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&Frame) -> bool) -> Vec<Frame> {
        let mut frames = Vec::new();
        loop {
            let frame = self.next().await;
            frames.push(frame.unwrap_or_else(|| panic!("the stream ended after {frames:#?}")));
            if frames.last().is_some_and(&wanted) {
                return frames;
            }
        }
    }
}

/// An event, unless the block has only comments or the time to wait.
fn parse(block: &str) -> Option<Frame> {
    let field = |name: &str| {
        let values = block.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        values.collect::<Vec<_>>().join("\n")
    };
    let data = field("data");
    (!data.is_empty()).then(|| Frame {
        event: field("event"),
        id: field("id"),
        data: serde_json::from_str(&data).unwrap_or_else(|_| panic!("{data} is not JSON")),
    })
}
