//! A chat model's API on loopback. It speaks as OpenAI's does, over HTTP and in pieces, really counts the
//! tokens of what it gets and says, and keeps books of its own, so that what a browser is told can be
//! compared with them. It misbehaves as a test asks it to. Only what it says is no model's.

mod books;
mod manner;
mod tokens;
mod wire;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use bytes::Bytes;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::task::AbortOnDropHandle;

pub(crate) use self::books::{Entry, Usage};
pub(crate) use self::manner::Manner;
use self::wire::Request;

/// The key that it takes.
pub(crate) const KEY: &str = "sk-loopback-0123456789abcdef";
/// The model that it has.
pub(crate) const NAME: &str = "loopback-1";
/// Between two pieces: fast, and still in pieces.
const PIECE_EVERY: Duration = Duration::from_millis(1);
/// Pieces on their way.
const PIECES_MAX: usize = 16;

/// The API, until it is dropped.
#[derive(Debug)]
pub(crate) struct Model {
    url: String,
    desk: Arc<Desk>,
    _serving: AbortOnDropHandle<()>,
}

/// What it says next, and what it has counted.
#[derive(Debug)]
struct Desk {
    answer: Mutex<String>,
    manners: Mutex<VecDeque<Manner>>,
    books: Mutex<Vec<Entry>>,
}

impl Model {
    /// Answers every request with this text, unless it is told to misbehave.
    pub(crate) async fn that_says(answer: &str) -> Model {
        let desk = Arc::new(Desk {
            answer: Mutex::new(answer.to_owned()),
            manners: Mutex::default(),
            books: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let routes =
            Router::new().route("/v1/chat/completions", post(complete)).with_state(desk.clone());
        let serving = tokio::spawn(async move {
            axum::serve(listener, routes).await.expect("it serves");
        });
        Model { url, desk, _serving: AbortOnDropHandle::new(serving) }
    }

    /// The base URL.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Says this from now on.
    pub(crate) fn say(&self, answer: &str) {
        answer.clone_into(&mut lock(&self.desk.answer));
    }

    /// The next requests are treated so, one after the other; those behind them well.
    pub(crate) fn misbehave(&self, manners: impl IntoIterator<Item = Manner>) {
        lock(&self.desk.manners).extend(manners);
    }

    /// One entry for each request, in order.
    pub(crate) fn books(&self) -> Vec<Entry> {
        lock(&self.desk.books).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no panic with the lock held")
}

async fn complete(State(desk): State<Arc<Desk>>, headers: HeaderMap, body: Bytes) -> Response {
    let key = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if key.and_then(|key| key.strip_prefix("Bearer ")) != Some(KEY) {
        let message = format!("Incorrect API key provided: {}.", key.unwrap_or_default());
        return wire::problem(StatusCode::UNAUTHORIZED, &message, Some("invalid_api_key"));
    }
    let request: Request = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => return wire::problem(StatusCode::BAD_REQUEST, &error.to_string(), None),
    };
    if request.model != NAME {
        let message = format!("The model `{}` does not exist", request.model);
        return wire::problem(StatusCode::NOT_FOUND, &message, Some("model_not_found"));
    }
    let manner = lock(&desk.manners).pop_front().unwrap_or(Manner::Well);
    let prompt_tokens = tokens::of_prompt(&request.messages);
    if let Manner::Refuse { status, code, retry_after } = &manner {
        lock(&desk.books).push(Entry::refused());
        let mut response = wire::problem(*status, "Not this time.", code.as_deref());
        if let Some(wait) = retry_after {
            let wait = wait.parse().expect("a header's value");
            response.headers_mut().insert(header::RETRY_AFTER, wait);
        }
        return response;
    }
    let answer = lock(&desk.answer).clone();
    stream(desk, request, prompt_tokens, tokens::pieces(&answer), manner)
}

fn stream(
    desk: Arc<Desk>,
    request: Request,
    prompt_tokens: u64,
    mut pieces: Vec<String>,
    manner: Manner,
) -> Response {
    let max = request.max_completion_tokens.unwrap_or(usize::MAX);
    let finish = if pieces.len() > max { "length" } else { "stop" };
    pieces.truncate(max);
    let number = {
        let mut books = lock(&desk.books);
        books.push(Entry::begun(prompt_tokens));
        books.len() - 1
    };
    let (sender, receiver) = mpsc::channel::<Result<Bytes, Broken>>(PIECES_MAX);
    tokio::spawn(async move {
        let stream = Stream { desk, number, sender };
        // Whoever hangs up gets no more; the books say how far it came.
        let _ = stream.answer(&request, pieces, finish, &manner).await;
    });
    let body = Body::from_stream(ReceiverStream::new(receiver));
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

/// The connection breaks.
#[derive(Debug, thiserror::Error)]
#[error("the connection breaks here")]
struct Broken;

/// Nobody listens any more.
struct Gone;

struct Stream {
    desk: Arc<Desk>,
    number: usize,
    sender: mpsc::Sender<Result<Bytes, Broken>>,
}

impl Stream {
    async fn answer(
        &self,
        request: &Request,
        pieces: Vec<String>,
        finish: &str,
        manner: &Manner,
    ) -> Result<(), Gone> {
        self.send(&wire::begin()).await?;
        for (count, piece) in pieces.iter().enumerate() {
            match manner {
                Manner::Break(after) if count >= *after => {
                    return self.sender.send(Err(Broken)).await.map_err(|_| Gone);
                }
                // The stream ends as if all had been said.
                Manner::TrailOff(after) if count >= *after => return Ok(()),
                Manner::FallSilent(after) if count >= *after => {
                    self.sender.closed().await;
                    return Err(Gone);
                }
                _ => {}
            }
            tokio::time::sleep(PIECE_EVERY).await;
            self.send(&wire::text(piece)).await?;
            self.note(|entry| entry.usage.completion_tokens += 1);
            if matches!(manner, Manner::CountAloud) {
                self.send(&wire::usage(self.usage())).await?;
            }
        }
        self.send(&wire::finish(finish)).await?;
        let wants_usage = request.stream_options.as_ref().is_some_and(|o| o.include_usage);
        if wants_usage && !matches!(manner, Manner::HideUsage) {
            let is_charged = matches!(manner, Manner::Charge);
            let tell = if is_charged { wire::usage_with_cost } else { wire::usage };
            self.send(&tell(self.usage())).await?;
            self.note(|entry| entry.is_reported = true);
        }
        self.sender.send(Ok(Bytes::from_static(b"data: [DONE]\n\n"))).await.map_err(|_| Gone)
    }

    async fn send(&self, chunk: &Value) -> Result<(), Gone> {
        let line = Bytes::from(format!("data: {chunk}\n\n"));
        self.sender.send(Ok(line)).await.map_err(|_| Gone)
    }

    fn usage(&self) -> Usage {
        lock(&self.desk.books)[self.number].usage
    }

    fn note(&self, change: impl FnOnce(&mut Entry)) {
        change(&mut lock(&self.desk.books)[self.number]);
    }
}
