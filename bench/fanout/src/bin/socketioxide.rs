//! Bare socketioxide: rooms, and whatever a client publishes is emitted to one. Nothing is kept.

use axum::Router;
use axum::serve::ListenerExt as _;
use serde_json::Value;
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, Data, SocketRef};
use tokio::net::TcpListener;

/// Enough that nothing is dropped while it keeps up.
const QUEUE_PACKETS: usize = 4096;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let port = std::env::args().nth(1).unwrap_or_default();
    let (layer, io) = SocketIo::builder().max_buffer_size(QUEUE_PACKETS).build_layer();
    io.ns("/", connected);
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let listener = listener.tap_io(|stream| {
        // A connection that is broken already is found so by its first read.
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, Router::new().layer(layer)).await?)
}

async fn connected(socket: SocketRef) {
    socket.on("join", async |socket: SocketRef, Data(room): Data<String>, ack: AckSender| {
        socket.join(room);
        let _ = ack.send(&());
    });
    socket.on("publish", async |io: SocketIo, Data((room, event)): Data<(String, Value)>| {
        // It drops what a full queue does not take: the trial counts that as lost.
        let _ = io.to(room).emit("tick", &event).await;
    });
}
