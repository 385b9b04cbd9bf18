//! Redis Streams that sync before they answer: one stream a topic, everything over one connection.

use redis::Client;
use redis::aio::MultiplexedConnection;
use roomcast_test_servers::Redis;

use super::lanes::topic;
use crate::body::BODY;
use crate::load::Operation;

pub(super) struct Streams {
    connection: MultiplexedConnection,
    _server: Redis,
}

impl Streams {
    pub(super) async fn open(server: Redis) -> anyhow::Result<Streams> {
        let client = Client::open(server.url())?;
        let connection = client.get_multiplexed_async_connection().await?;
        Ok(Streams { connection, _server: server })
    }
}

#[async_trait::async_trait]
impl Operation for Streams {
    async fn run(&self, publisher: usize, round: u64) -> anyhow::Result<()> {
        let mut command = redis::cmd("XADD");
        command
            .arg(format!("room-{}", topic(publisher, round)?))
            .arg("*")
            .arg("body")
            .arg(&BODY[..]);
        let mut connection = self.connection.clone();
        command.query_async::<String>(&mut connection).await?;
        Ok(())
    }
}
