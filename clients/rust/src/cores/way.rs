//! The way to whichever core is best: the service under every generated client.

use std::error::Error as _;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use roomcast_proto::registry;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::transport::Channel;
use tonic::{Code, ConnectError, Status};
use tower::{Service, ServiceExt as _};

use super::Cores;
use super::conduct::{Conduct, Repeatable};
use super::cut::{Cuts, Cuttable, ended};

/// Cores that one call is tried at: a third one down is an outage, to be told and not waited for.
const CORES_TRIED_MAX: usize = 3;

/// Makes each call at the best core. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Way {
    cores: Cores,
}

impl Cores {
    /// The way to whichever core is best.
    #[must_use]
    pub fn way(&self) -> Way {
        Way { cores: self.clone() }
    }
}

impl Way {
    /// A stream goes to the home and ends when the home changes.
    async fn open(self, request: Request<Body>) -> Result<Response<Body>, Status> {
        let chosen = self.cores.choose(|picker| Some(picker.home()), Cuts::of_streams);
        let (home, end) = chosen.ok_or_else(ended)?;
        let channel = self.cores.0.cores[home].streams.clone();
        let answer = exchange(channel, request, end).await;
        answer.map_err(|failure| {
            self.cores.doubt(home);
            failure.status
        })
    }

    /// A call that failed on its way goes to the next core, if it was not sent or may be repeated.
    async fn ask(self, request: Request<Body>, repeats: bool) -> Result<Response<Body>, Status> {
        let (head, body) = request.into_parts();
        // One message, which is whole in memory anyway.
        let body = body.collect().await?.to_bytes();
        let limit = limit(&head);
        let asking = self.ask_each(head, body, repeats);
        match limit {
            // One for all cores: each connection by itself would begin anew.
            Some(limit) => timeout(limit, asking).await.unwrap_or_else(|_| {
                Err(registry::Code::DeadlineExceeded.status("no answer within the call's limit"))
            }),
            None => asking.await,
        }
    }

    async fn ask_each(
        self,
        head: Parts,
        body: Bytes,
        repeats: bool,
    ) -> Result<Response<Body>, Status> {
        let (mut tried, mut last) = (Vec::new(), Err(ended()));
        while tried.len() < CORES_TRIED_MAX {
            let chosen = self.cores.choose(|picker| picker.pick(&tried), Cuts::of_calls);
            let Some((next, end)) = chosen else { break };
            tried.push(next);
            let channel = self.cores.0.cores[next].calls.clone();
            match exchange(channel, copy(&head, &body), end).await {
                Ok(answer) if repeats && is_away(&answer) => {
                    self.cores.doubt(next);
                    last = Ok(answer);
                }
                Ok(answer) => return Ok(answer),
                Err(failure) => {
                    self.cores.doubt(next);
                    let is_over = !repeats && !failure.is_unsent;
                    last = Err(failure.status);
                    if is_over {
                        break;
                    }
                }
            }
        }
        last
    }
}

impl Service<Request<Body>> for Way {
    type Response = Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Body>, Status>>;

    /// Always: which connection is used, the call itself finds out.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let way = self.clone();
        let has_key = request.extensions().get::<Repeatable>().is_some();
        match self.cores.0.contract.conduct(request.uri().path()) {
            Conduct::Stream => Box::pin(way.open(request)),
            Conduct::Call { repeats } => Box::pin(way.ask(request, repeats || has_key)),
        }
    }
}

/// Why there is no answer.
#[derive(Debug)]
struct Failure {
    status: Status,
    /// The core cannot have seen the request.
    is_unsent: bool,
}

/// One request at one core, given up when `end` is cancelled, as is what remains of its answer.
async fn exchange(
    channel: Channel,
    request: Request<Body>,
    end: CancellationToken,
) -> Result<Response<Body>, Failure> {
    tokio::select! {
        answer = channel.oneshot(request) => match answer {
            Ok(answer) => Ok(answer.map(|body| Cuttable::body(body, end))),
            Err(error) => {
                let is_unsent = is_unsent(&error);
                Err(Failure { status: Status::from_error(Box::new(error)), is_unsent })
            }
        },
        () = end.clone().cancelled_owned() => Err(Failure { status: ended(), is_unsent: false }),
    }
}

fn is_unsent(error: &tonic::transport::Error) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if error.is::<ConnectError>() {
            return true;
        }
        source = error.source();
    }
    false
}

/// Whether a core answered that it is there for nobody: it drains, or has no store.
fn is_away(answer: &Response<Body>) -> bool {
    Status::from_header_map(answer.headers()).is_some_and(|said| said.code() == Code::Unavailable)
}

/// How long the caller waits, as gRPC writes it: digits and a unit.
fn limit(head: &Parts) -> Option<Duration> {
    let text = head.headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count.saturating_mul(3600))),
        "M" => Some(Duration::from_secs(count.saturating_mul(60))),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

fn copy(head: &Parts, body: &Bytes) -> Request<Body> {
    Request::from_parts(head.clone(), Body::new(Full::new(body.clone())))
}
