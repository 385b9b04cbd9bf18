//! Unmodified Socket.IO clients, in the processes that their languages need.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::credential::Token;
use super::eventually::eventually;
use super::process::Process;
use super::tools;

/// A process that holds clients.
#[derive(Debug, Clone)]
pub(crate) struct Clients(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    process: Process,
    lines_read: usize,
    observations: HashMap<String, Vec<Observation>>,
    sockets: usize,
    acks: usize,
}

/// What a client's application saw.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Observation {
    /// `connect`, `disconnect` or `connect_error`, and what came with it.
    State { state: String, detail: String },
    /// An event and its payload.
    Event { name: String, payload: Value },
    /// An answer to an emit.
    Ack { number: usize, answer: Value },
}

/// One client.
#[derive(Debug, Clone)]
pub(crate) struct Socket {
    clients: Clients,
    id: String,
}

impl Clients {
    /// `socket.io-client` in Node.
    pub(crate) async fn node() -> Clients {
        Clients::spawn("node", &mut tools::node("client.mjs")).await
    }

    /// `python-socketio`'s `AsyncClient`.
    pub(crate) async fn python() -> Clients {
        Clients::spawn("python", &mut tools::python("client.py")).await
    }

    /// `python-socketio`'s `Client` and `SimpleClient`.
    pub(crate) async fn python_threads() -> Clients {
        Clients::spawn("python threads", &mut tools::python("threads.py")).await
    }

    /// `socket.io-client` in a page of Chromium whose origin is this address's.
    pub(crate) async fn chromium(address: &str) -> Clients {
        Clients::spawn("chromium", tools::node("page_client.mjs").arg(address)).await
    }

    async fn spawn(name: &str, command: &mut std::process::Command) -> Clients {
        let inner = Inner {
            process: Process::spawn(name, command),
            lines_read: 0,
            observations: HashMap::new(),
            sockets: 0,
            acks: 0,
        };
        let clients = Clients(Arc::new(Mutex::new(inner)));
        eventually("the clients' process is there", async || {
            let inner = &mut *clients.lock();
            inner.read();
            assert!(inner.process.is_running(), "{name} has ended: run make setup");
            inner.observations.contains_key("").then_some(())
        })
        .await;
        clients
    }

    /// A client that connects once, with the library's own transports.
    pub(crate) fn connect(&self, url: &str, token: Option<&Token>) -> Socket {
        self.connect_with(url, token, json!({}))
    }

    /// A client that connects again by itself and goes on from its last cursors.
    pub(crate) fn stay_connected(&self, url: &str, token: Option<&Token>) -> Socket {
        self.connect_with(url, token, json!({ "keep": true, "transports": ["websocket"] }))
    }

    /// A client with options of the driver's: tests/node/application.mjs says which.
    pub(crate) fn connect_with(&self, url: &str, token: Option<&Token>, options: Value) -> Socket {
        let id = {
            let mut inner = self.lock();
            inner.sockets += 1;
            inner.sockets.to_string()
        };
        let mut command = json!({ "op": "connect", "id": id, "url": url });
        let members = command.as_object_mut().expect("an object");
        members.extend(options.as_object().expect("an object").clone());
        if let Some(token) = token {
            members.insert("token".to_owned(), json!(token));
        }
        self.tell(&command);
        Socket { clients: self.clone(), id }
    }

    /// The messages of a namespace that none of its clients has met, by their names in
    /// docs/reference/asyncapi.yaml. Only for clients in Node.
    pub(crate) async fn unseen(&self, namespace: &str) -> Value {
        let wanted = self.next_ack();
        self.tell(&json!({ "op": "unseen", "id": "", "ack": wanted, "namespace": namespace }));
        let process = Socket { clients: self.clone(), id: String::new() };
        process.answer(wanted, "what is unseen").await
    }

    fn tell(&self, command: &Value) {
        let mut inner = self.lock();
        writeln!(inner.process.stdin(), "{command}").expect("the clients' process reads");
    }

    fn next_ack(&self) -> usize {
        let mut inner = self.lock();
        inner.acks += 1;
        inner.acks
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().expect("no panic with the lock held")
    }
}

impl Inner {
    fn read(&mut self) {
        let lines = self.process.stdout_from(self.lines_read);
        self.lines_read += lines.len();
        for line in lines {
            let value: Value = serde_json::from_str(&line).expect("a line of JSON");
            let id = value["id"].as_str().expect("an id").to_owned();
            self.observations.entry(id).or_default().push(Observation::of(&value));
        }
    }
}

/// What no test has looked at must be as it is described, too.
impl Drop for Inner {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.read();
        }
    }
}

impl Observation {
    fn of(value: &Value) -> Observation {
        assert!(value.get("violation").is_none(), "against docs/reference/asyncapi.yaml: {value}");
        let text = |field: &str| value[field].as_str().unwrap_or_default().to_owned();
        if value.get("state").is_some() {
            return Observation::State { state: text("state"), detail: text("detail") };
        }
        if let Some(number) = value.get("ack").and_then(Value::as_u64) {
            let number = usize::try_from(number).expect("a number of ours");
            return Observation::Ack { number, answer: value["answer"].clone() };
        }
        Observation::Event { name: text("event"), payload: value["args"][0].clone() }
    }
}

impl Socket {
    /// All that its application saw so far.
    pub(crate) fn observations(&self) -> Vec<Observation> {
        let mut inner = self.clients.lock();
        inner.read();
        // Whoever is dead sees nothing, and there are tests of what nobody is told.
        assert!(inner.process.is_running(), "the clients' process has ended");
        inner.observations.get(&self.id).cloned().unwrap_or_default()
    }

    /// The events so far, with their payloads.
    pub(crate) fn events(&self) -> Vec<(String, Value)> {
        let events = self.observations().into_iter().filter_map(|observation| match observation {
            Observation::Event { name, payload } => Some((name, payload)),
            Observation::State { .. } | Observation::Ack { .. } => None,
        });
        events.collect()
    }

    /// Waits until it is connected. Answers the transport.
    pub(crate) async fn connected(&self) -> String {
        self.state("connect").await
    }

    /// Waits until it is refused. Answers why.
    pub(crate) async fn refused(&self) -> String {
        self.state("connect_error").await
    }

    /// Waits for the first state of this name.
    pub(crate) async fn state(&self, wanted: &str) -> String {
        eventually(wanted, async || {
            self.observations().into_iter().find_map(|observation| match observation {
                Observation::State { state, detail } if state == wanted => Some(detail),
                _ => None,
            })
        })
        .await
    }

    /// How often it has come into this state.
    pub(crate) fn times(&self, wanted: &str) -> usize {
        let is_wanted = |observation: &Observation| matches!(observation, Observation::State { state, .. } if state == wanted);
        self.observations().iter().filter(|observation| is_wanted(observation)).count()
    }

    /// Waits for the first event of this name.
    pub(crate) async fn event(&self, name: &str) -> Value {
        self.event_where(name, |_| true).await
    }

    /// Waits for the first event of this name whose payload is wanted.
    pub(crate) async fn event_where(&self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("an event {name}"), async || {
            let mut events = self.events().into_iter();
            events
                .find_map(|(event, payload)| (event == name && wanted(&payload)).then_some(payload))
        })
        .await
    }

    /// Emits without asking for an answer.
    pub(crate) fn emit(&self, event: &str, argument: &Value) {
        self.emit_with(event, &json!([argument]));
    }

    /// Emits any arguments.
    pub(crate) fn emit_with(&self, event: &str, arguments: &Value) {
        let id = &self.id;
        self.clients.tell(&json!({ "op": "emit", "id": id, "event": event, "args": arguments }));
    }

    /// Writes a frame that no library would.
    pub(crate) fn emit_raw(&self, text: &str) {
        self.clients.tell(&json!({ "op": "raw", "id": self.id, "text": text }));
    }

    /// Emits and waits for the answer.
    pub(crate) async fn ask(&self, event: &str, argument: &Value) -> Value {
        let wanted = self.clients.next_ack();
        let (id, arguments) = (&self.id, json!([argument]));
        self.clients.tell(
            &json!({ "op": "emit", "id": id, "event": event, "args": arguments, "ack": wanted }),
        );
        self.answer(wanted, &format!("the answer to {event}")).await
    }

    async fn answer(&self, wanted: usize, what: &str) -> Value {
        eventually(what, async || {
            self.observations().into_iter().find_map(|observation| match observation {
                Observation::Ack { number, answer } if number == wanted => Some(answer),
                _ => None,
            })
        })
        .await
    }

    /// What its page or process knows of its session's graphs: the state it was told, and every event
    /// since folded into it.
    pub(crate) async fn graphs(&self) -> Value {
        let wanted = self.clients.next_ack();
        self.clients.tell(&json!({ "op": "graphs", "id": self.id, "ack": wanted }));
        self.answer(wanted, "what it knows of the graphs").await
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Another client of the same connection, in a namespace.
    pub(crate) fn over(&self, namespace: &str, token: Option<&Token>) -> Socket {
        let options = json!({ "over": self.id, "namespace": namespace, "keep": true });
        self.clients.connect_with("", token, options)
    }

    /// Breaks the connection as a network does. It comes back by itself: with a `url` there, with an
    /// `offset` as if that were the last one it had got.
    pub(crate) fn drop_connection(&self, options: &Value) {
        let mut command = json!({ "op": "drop", "id": self.id });
        let members = command.as_object_mut().expect("an object");
        members.extend(options.as_object().expect("an object").clone());
        self.clients.tell(&command);
    }

    pub(crate) fn disconnect(&self) {
        self.clients.tell(&json!({ "op": "disconnect", "id": self.id }));
    }
}
