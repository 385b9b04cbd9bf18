//! A transaction for each event, over as many connections as a pool commonly has.

use tokio::sync::Mutex;
use tokio_postgres::{Client, Statement};

use super::lanes::{SCHEMA, topic};
use crate::body::BODY;
use crate::load::Operation;
use crate::server::connect;

const CONNECTIONS: usize = 64;
/// Gives out the offset and writes the event: one statement, and so one transaction.
const APPEND: &str = r#"
    WITH h AS (UPDATE topic SET head = head + 1, stamp = 7 WHERE id = $1 RETURNING id, head)
    INSERT INTO event SELECT id, head, 7, 1790000000000, 'tick', $2 FROM h"#;

pub(super) struct Each {
    pool: Vec<Mutex<(Client, Statement)>>,
}

impl Each {
    pub(super) async fn open(url: &str) -> anyhow::Result<Each> {
        connect(url).await?.batch_execute(SCHEMA).await?;
        let mut pool = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            let client = connect(url).await?;
            let statement = client.prepare(APPEND).await?;
            pool.push(Mutex::new((client, statement)));
        }
        Ok(Each { pool })
    }
}

#[async_trait::async_trait]
impl Operation for Each {
    async fn run(&self, publisher: usize, round: u64) -> anyhow::Result<()> {
        let topic = topic(publisher, round)?;
        let connection = self.pool[publisher % CONNECTIONS].lock().await;
        let (client, statement) = &*connection;
        client.execute(statement, &[&topic, &&BODY[..]]).await?;
        Ok(())
    }
}
