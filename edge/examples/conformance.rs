//! The edge's own transport under the handlers that the public protocol test suites expect: Engine.IO v4
//! at `/engine.io/`, Socket.IO v5 at `/socket.io/`. Listener, gate, limits and adapters are those of an
//! edge; only the timing is the suites'.
//!
//! ```text
//! cargo run --package roomcast-edge --example conformance [ADDRESS]
//! ```
//!
//! Then run the suites of the protocols' own repositories, which ask for `localhost:3000`, the default
//! here. docs/TESTING.md says what passes.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use bytes::Bytes;
use engineioxide::{
    DisconnectReason, Str, config::EngineIoConfig, handler::EngineIoHandler,
    service::EngineIoService, socket::Socket as EngineSocket,
};
use roomcast_edge::{
    Config,
    config::Switch,
    lane::Lanes,
    listener::{self, Door},
    socket::{Adapters, Gate, RawAdapter, Timing, Transports, builder},
};
use socketioxide::{
    extract::{SocketRef, State, TryData},
    handler::{FromMessage, Value},
    socket::Socket,
};
use socketioxide_core::{
    adapter::{BroadcastOptions, CoreAdapter as _},
    packet::{Packet, PacketData},
};
use tokio::{net::TcpListener, time::sleep};
use tokio_util::sync::CancellationToken;

const ADDRESS: &str = "127.0.0.1:3000";

/// What the suites count on.
const TIMING: Timing = Timing {
    ping_interval: Duration::from_millis(300),
    ping_timeout: Duration::from_millis(200),
    connect_timeout: Duration::from_secs(1),
};
const MESSAGE_BYTES_MAX: u64 = 1_000_000;
/// The suites wait for one message at a time, and their WebSocket in Node tells of all that came together
/// at once: an event that comes with the answer to CONNECT, as the edge would write it, is lost to them. It
/// comes in the middle between that and the first ping, far from both.
const APART: Duration = TIMING.ping_interval.checked_div(2).expect("not by zero");

/// On one thread, as the servers that the suites were written for: of two requests over two connections
/// that which was begun first is taken first.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| ADDRESS.to_owned());
    serve(TcpListener::bind(address.parse::<SocketAddr>()?).await?).await
}

/// Serves both suites until it is dropped.
pub async fn serve(listener: TcpListener) -> anyhow::Result<()> {
    let config = Config::default();
    let app = socket_io(&config).merge(engine_io(&config));
    let (lanes, door) = (Lanes::new(Switch::On), Door::new(&config)?);
    listener::serve(listener, app, lanes, door, CancellationToken::new()).await;
    Ok(())
}

fn socket_io(config: &Config) -> Router {
    let adapters = Adapters::default();
    let (server, io) =
        builder(TIMING, adapters.clone()).with_state(adapters).build_with_inner_svc(Router::new());
    io.ns("/", entered);
    io.ns("/custom", entered);
    Gate::new(server, "/socket.io", Transports::default(), config).router()
}

async fn entered(
    socket: SocketRef<RawAdapter>,
    TryData(auth): TryData<Option<serde_json::Value>>,
    State(adapters): State<Adapters>,
) {
    let auth = auth.ok().flatten().unwrap_or_else(|| serde_json::json!({}));
    socket.extensions.insert(adapters);
    socket.on("message", async |_: Echo| {});
    socket.on("message-with-ack", async |_: Echo| {});
    sleep(APART).await;
    // The suites' clients read: there is room for one event.
    let _ = socket.emit("auth", &auth);
}

/// A message that was written back as it came, attachments and all.
struct Echo;

impl FromMessage<RawAdapter> for Echo {
    type Error = Infallible;

    fn from_message(
        socket: Arc<Socket<RawAdapter>>,
        value: Value,
        ack: Option<i64>,
    ) -> Result<Self, Infallible> {
        let adapters = socket.extensions.get::<Adapters>();
        let adapter = adapters.and_then(|adapters| adapters.get(socket.ns()));
        if let (Some(adapter), Some(inner)) = (adapter, echo(value, ack)) {
            let packet = Packet { ns: socket.ns().to_owned().into(), inner };
            let _ = adapter.get_local().broadcast(packet, BroadcastOptions::new(socket.id));
        }
        Ok(Self)
    }
}

fn echo(value: Value, ack: Option<i64>) -> Option<PacketData> {
    let Value::Str(text, attachments) = value else { return None };
    let (_, arguments) = text.split_once(',').unwrap_or(("", "]"));
    let has_attachments = attachments.as_ref().is_some_and(|some| !some.is_empty());
    let text = match ack {
        Some(_) => format!("[{arguments}"),
        None => format!("[\"message-back\",{arguments}"),
    };
    let value = Value::Str(text.into(), attachments);
    Some(match (ack, has_attachments) {
        (Some(ack), true) => PacketData::BinaryAck(value, ack),
        (Some(ack), false) => PacketData::EventAck(value, ack),
        (None, true) => PacketData::BinaryEvent(value, None),
        (None, false) => PacketData::Event(value, None),
    })
}

fn engine_io(config: &Config) -> Router {
    let timing = EngineIoConfig::builder()
        .req_path("/engine.io")
        .ping_interval(TIMING.ping_interval)
        .ping_timeout(TIMING.ping_timeout)
        .max_payload(MESSAGE_BYTES_MAX)
        .build();
    let server = EngineIoService::with_config_inner(Router::new(), Arc::new(Mirror), timing);
    Gate::new(server, "/engine.io", Transports::default(), config).router()
}

/// Writes every message back.
#[derive(Debug)]
struct Mirror;

impl EngineIoHandler for Mirror {
    type Data = ();

    fn on_connect(self: Arc<Self>, _: Arc<EngineSocket<()>>) {}

    fn on_disconnect(&self, _: Arc<EngineSocket<()>>, _: DisconnectReason) {}

    fn on_message(self: &Arc<Self>, message: Str, socket: Arc<EngineSocket<()>>) {
        let _ = socket.emit(message);
    }

    fn on_binary(self: &Arc<Self>, data: Bytes, socket: Arc<EngineSocket<()>>) {
        let _ = socket.emit_binary(data);
    }
}
