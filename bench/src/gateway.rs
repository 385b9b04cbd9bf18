//! A Socket.IO client of the least kind: one WebSocket, the packets as text.

use futures::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// A connected socket of namespace `/`.
pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    pub(crate) async fn connect(edge: &str) -> anyhow::Result<Socket> {
        let url = format!("ws://{edge}/socket.io/?EIO=4&transport=websocket");
        let (stream, _) = connect_async(url).await?;
        let mut socket = Socket { stream };
        socket.send("40").await?;
        socket.until("40").await?;
        Ok(socket)
    }

    pub(crate) async fn send(&mut self, packet: &str) -> anyhow::Result<()> {
        Ok(self.stream.send(Message::text(packet.to_owned())).await?)
    }

    /// The next packet, pings answered.
    pub(crate) async fn next(&mut self) -> anyhow::Result<String> {
        loop {
            let message = self.stream.next().await.ok_or_else(|| anyhow::anyhow!("closed"))??;
            let Message::Text(text) = message else { continue };
            if text.as_str() == "2" {
                self.send("3").await?;
                continue;
            }
            return Ok(text.as_str().to_owned());
        }
    }

    /// Reads up to the first packet that begins so.
    pub(crate) async fn until(&mut self, begin: &str) -> anyhow::Result<String> {
        loop {
            let packet = self.next().await?;
            if packet.starts_with(begin) {
                return Ok(packet);
            }
        }
    }
}
