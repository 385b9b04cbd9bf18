//! The two ways to talk to the server of the suites: requests, and a WebSocket that keeps no secrets.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use reqwest::{Client, Method};
use serde_json::Value;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

use crate::served;

/// Longer than ping interval and timeout together, by far, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// By then a poll waits at the server: long for this machine, short against the ping interval.
pub(crate) const UNTIL_IT_WAITS: Duration = Duration::from_millis(100);

/// A server of its own for one case, at one of its two paths.
pub(crate) struct Suite {
    client: Client,
    address: String,
    path: &'static str,
    server: JoinHandle<()>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Suite {
    pub(crate) async fn start(path: &'static str) -> Suite {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = tokio::spawn(async move { served::serve(listener).await.unwrap() });
        Suite { client: Client::new(), address, path, server }
    }

    pub(crate) async fn ask(&self, method: Method, query: &str, body: &str) -> Answer {
        let url = format!("http://{}/{}/?{query}", self.address, self.path);
        let request = self.client.request(method, url).body(body.to_owned());
        let answer = timeout(PATIENCE, request.send()).await.unwrap().unwrap();
        Answer { status: answer.status().as_u16(), text: answer.text().await.unwrap() }
    }

    /// Opens a session by polling. Answers its id.
    pub(crate) async fn session(&self) -> String {
        let opened = self.ask(Method::GET, "EIO=4&transport=polling", "").await;
        let opening: Value = serde_json::from_str(&opened.text[1..]).unwrap();
        opening["sid"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn poll(&self, sid: &str) -> Answer {
        self.ask(Method::GET, &format!("EIO=4&transport=polling&sid={sid}"), "").await
    }

    pub(crate) async fn post(&self, sid: &str, body: &str) -> Answer {
        self.ask(Method::POST, &format!("EIO=4&transport=polling&sid={sid}"), body).await
    }

    /// A WebSocket, or nothing when it is refused.
    pub(crate) async fn websocket(&self, query: &str) -> Option<Frames> {
        let url = format!("ws://{}/{}/?{query}", self.address, self.path);
        let (stream, _) = tokio_tungstenite::connect_async(url).await.ok()?;
        Some(Frames(stream))
    }

    /// A WebSocket whose session is open.
    pub(crate) async fn opened(&self) -> Frames {
        let mut frames = self.websocket("EIO=4&transport=websocket").await.unwrap();
        assert!(frames.text().await.starts_with('0'));
        frames
    }

    /// Begins an upgrade and waits for the answer to its probe.
    pub(crate) async fn probed(&self, sid: &str) -> Frames {
        let query = format!("EIO=4&transport=websocket&sid={sid}");
        let mut frames = self.websocket(&query).await.unwrap();
        frames.say("2probe").await;
        assert_eq!(frames.text().await, "3probe");
        frames
    }

    /// Whoever opened a session ends it, over either transport.
    pub(crate) async fn lets_clients_go(&self) {
        let sid = self.session().await;
        let goodbye = async {
            sleep(UNTIL_IT_WAITS).await;
            self.post(&sid, "1").await
        };
        let (polled, _) = tokio::join!(self.poll(&sid), goodbye);
        assert_eq!((polled.status, polled.text.as_str()), (200, "6"));
        assert_eq!(self.poll(&sid).await.status, 400);
        let mut frames = self.opened().await;
        frames.say("1").await;
        frames.closed().await;
    }

    /// A session that has moved to a WebSocket takes no request, and no other WebSocket.
    pub(crate) async fn knows_one_way_to(&self, sid: &str) {
        assert_eq!(self.poll(sid).await.status, 400);
        let second = self.websocket(&format!("EIO=4&transport=websocket&sid={sid}")).await;
        if let Some(mut second) = second {
            second.closed().await;
        }
    }
}

impl Drop for Suite {
    fn drop(&mut self) {
        self.server.abort();
    }
}

pub(crate) struct Frames(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Frames {
    pub(crate) async fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn say_bytes(&mut self, bytes: &'static [u8]) {
        self.0.send(Message::binary(bytes)).await.unwrap();
    }

    async fn next(&mut self) -> Option<Message> {
        timeout(PATIENCE, self.0.next()).await.expect("a message in time")?.ok()
    }

    /// The next message, which is a text.
    pub(crate) async fn text(&mut self) -> String {
        match self.next().await {
            Some(Message::Text(text)) => text.to_string(),
            other => panic!("no text but {other:?}"),
        }
    }

    /// The next bytes; a ping may come before.
    pub(crate) async fn bytes(&mut self) -> Vec<u8> {
        loop {
            match self.next().await {
                Some(Message::Binary(bytes)) => return bytes.to_vec(),
                Some(Message::Text(text)) if text.as_str() == "2" => {}
                other => panic!("no bytes but {other:?}"),
            }
        }
    }

    /// The next text that is no ping.
    pub(crate) async fn packet(&mut self) -> String {
        loop {
            let text = self.text().await;
            if text != "2" {
                return text;
            }
        }
    }

    /// Waits until the server has ended it.
    pub(crate) async fn closed(&mut self) {
        while let Some(message) = self.next().await {
            if message.is_close() {
                return;
            }
        }
    }
}

/// What opens a session: exactly these members.
pub(crate) fn is_opening(text: &str, upgrades: Value) {
    let opening: Value = serde_json::from_str(text.strip_prefix('0').unwrap()).unwrap();
    let members: Vec<&String> = opening.as_object().unwrap().keys().collect();
    assert_eq!(members, ["maxPayload", "pingInterval", "pingTimeout", "sid", "upgrades"]);
    assert!(opening["sid"].is_string());
    assert_eq!(opening["upgrades"], upgrades);
    assert_eq!(opening["pingInterval"], 300);
    assert_eq!(opening["pingTimeout"], 200);
    assert_eq!(opening["maxPayload"], 1_000_000);
}
