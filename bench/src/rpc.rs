//! A core in this process, reached over loopback gRPC like any other.

use std::net::SocketAddr;
use std::path::Path;

use bytes::Bytes;
use roomcast_proto::v1;
use roomcast_proto::v1::broadcast_service_client::BroadcastServiceClient;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use crate::body::BODY;
use crate::load::Operation;

/// A running core; it ends when this is dropped.
pub(crate) struct Core {
    pub(crate) address: SocketAddr,
    stop: CancellationToken,
}

impl Core {
    pub(crate) async fn serve(folder: &Path) -> anyhow::Result<Core> {
        Core::serve_with(roomcast_core::Config::development(folder.to_owned())).await
    }

    pub(crate) async fn serve_with(config: roomcast_core::Config) -> anyhow::Result<Core> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        tokio::spawn(roomcast_core::serve(config, listener, stop.clone()));
        Ok(Core { address, stop })
    }

    pub(crate) async fn channel(&self) -> anyhow::Result<Channel> {
        let endpoint = Channel::from_shared(format!("http://{}", self.address))?;
        for _ in 0..100 {
            if let Ok(channel) = endpoint.clone().tcp_nodelay(true).connect().await {
                return Ok(channel);
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        anyhow::bail!("the core does not answer at {}", self.address)
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Publishes 200 bytes to one of many rooms.
pub(crate) struct Publish {
    client: BroadcastServiceClient<Channel>,
    _core: Core,
}

impl Publish {
    pub(crate) async fn serve(folder: &Path) -> anyhow::Result<Publish> {
        let core = Core::serve(folder).await?;
        let client = BroadcastServiceClient::new(core.channel().await?);
        Ok(Publish { client, _core: core })
    }
}

/// A publish of 200 bytes to a room.
pub(crate) fn publish(room: &str, body: Bytes) -> v1::PublishRequest {
    v1::PublishRequest {
        topic: format!("room:{room}"),
        event: Some(v1::NewEvent {
            r#type: "tick".into(),
            payload: Some(v1::Payload { content_type: String::new(), data: body }),
        }),
        ..v1::PublishRequest::default()
    }
}

#[async_trait::async_trait]
impl Operation for Publish {
    async fn run(&self, publisher: usize, round: u64) -> anyhow::Result<()> {
        let room = publisher.wrapping_mul(7919).wrapping_add(usize::try_from(round)?) % 1000;
        let request = publish(&format!("room-{room}"), Bytes::from_static(&BODY));
        self.client.clone().publish(request).await?;
        Ok(())
    }
}
