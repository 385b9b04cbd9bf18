//! What a session's size costs: the snapshot of a join, of a hundred at once, one command, a save and a
//! load; and what the rest of the core feels of a save.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use roomcast_proto::v1;
use roomcast_proto::v1::broadcast_service_client::BroadcastServiceClient;
use roomcast_proto::v1::session_service_client::SessionServiceClient;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use crate::body::BODY;
use crate::disk;
use crate::figure::Figure;
use crate::rpc::{Core, publish};
use crate::session::Session;

const SIZES: [usize; 4] = [100, 1_000, 10_000, 100_000];
/// As many as one command of the contract may hold.
const BATCH: usize = 200;
/// Nodes below one node.
const FAMILY: usize = 100;
/// A snapshot of the largest session is one message.
const MESSAGE_BYTES_MAX: usize = 64 << 20;
/// Joins of one case, one after the other, each after a command.
const JOINS: usize = 20;
/// Joins at once: those of a page that many open together.
const CROWD: usize = 100;
/// A hundred answers with larger sessions fill the memory of whoever asks for them.
const CROWD_NODES_MAX: usize = 10_000;

/// The curve over the sizes.
pub(crate) async fn measure(folder: &Path, span: Duration) -> anyhow::Result<String> {
    let mut page = String::from(
        "\n| nodes | first join | join with its snapshot | 100 joins at once | snapshot | set a property \
         | replace a node | save | load | a publish meanwhile |\n|---|---|---|---|---|---|---|---|---|---|\n",
    );
    let raw = disk::alone(folder, span.min(Duration::from_secs(1)))?;
    let _ = writeln!(page, "| raw fsync | | | | | {} | | | | |", raw.cell());
    let core = Core::serve(&folder.join("graph")).await?;
    let channel = core.channel().await?;
    for nodes in SIZES {
        let drawing = Drawing::fill(channel.clone(), nodes).await?;
        page += &drawing.row(nodes, span).await?;
    }
    Ok(page)
}

/// A session with nodes.
struct Drawing {
    session: Session,
    broadcast: BroadcastServiceClient<Channel>,
}

impl Drawing {
    async fn fill(channel: Channel, nodes: usize) -> anyhow::Result<Drawing> {
        let sessions = SessionServiceClient::new(channel.clone());
        let session = Session::open(sessions.max_decoding_message_size(MESSAGE_BYTES_MAX)).await?;
        let broadcast =
            BroadcastServiceClient::new(channel).max_decoding_message_size(MESSAGE_BYTES_MAX);
        for first in (0..nodes).step_by(BATCH) {
            let commands = (first..nodes.min(first + BATCH)).map(create);
            let batch = v1::CommandBatch { commands: commands.collect() };
            session.execute(v1::command::Kind::Batch(batch)).await?;
        }
        Ok(Drawing { session, broadcast })
    }

    async fn row(&self, nodes: usize, span: Duration) -> anyhow::Result<String> {
        let begin = Instant::now();
        let bytes = self.join().await?;
        let first = begin.elapsed();
        let joins = self.joins(nodes).await?;
        let crowd = self.crowd(nodes).await?;
        let mut round = 0;
        let sets = self
            .repeat(span, || {
                round += 1;
                set((round * 7919) % nodes, round)
            })
            .await?;
        let replaces = self.repeat(span, || replace(nodes - 1)).await?;
        let stop = CancellationToken::new();
        let publishing = tokio::spawn(publishing(self.broadcast.clone(), stop.clone()));
        let (save, load) = self.keep().await?;
        stop.cancel();
        let beside = publishing.await??;
        let millis = |span: Duration| span.as_secs_f64() * 1000.0;
        Ok(format!(
            "| {nodes} | {:.1} ms | {:.1}/{:.1} ms | {} | {:.2} MB | {} | {} | {:.0} ms | {:.0} ms \
             | {:.1} ms |\n",
            millis(first),
            millis(joins.at(0.5)),
            millis(joins.at(0.99)),
            crowd,
            bytes as f64 / 1e6,
            sets.cell(),
            replaces.cell(),
            millis(save),
            millis(load),
            millis(beside.at(0.99)),
        ))
    }

    /// How long it takes until all of a crowd have joined.
    async fn crowd(&self, nodes: usize) -> anyhow::Result<String> {
        if nodes > CROWD_NODES_MAX {
            return Ok("–".into());
        }
        let begin = Instant::now();
        futures::future::try_join_all((0..CROWD).map(|_| self.join())).await?;
        Ok(format!("{} ms", begin.elapsed().as_millis()))
    }

    /// Joins. Answers how many bytes that took.
    async fn join(&self) -> anyhow::Result<usize> {
        use prost::Message as _;
        let topic = format!("session:{}", self.session.id);
        let wanted = v1::JoinRequest { topic, ..Default::default() };
        Ok(self.broadcast.clone().join(wanted).await?.get_ref().encoded_len())
    }

    /// Joins a session that changes from one to the next.
    async fn joins(&self, nodes: usize) -> anyhow::Result<Figure> {
        let (begin, mut latencies) = (Instant::now(), Vec::new());
        for number in 0..JOINS {
            self.session.execute(set((number * 7919) % nodes, number)).await?;
            let one = Instant::now();
            self.join().await?;
            latencies.push(one.elapsed());
        }
        Ok(Figure::new(latencies, begin.elapsed()))
    }

    async fn repeat(
        &self,
        span: Duration,
        mut next: impl FnMut() -> v1::command::Kind,
    ) -> anyhow::Result<Figure> {
        let (begin, mut latencies) = (Instant::now(), Vec::new());
        while begin.elapsed() < span {
            let command = next();
            let one = Instant::now();
            self.session.execute(command).await?;
            latencies.push(one.elapsed());
        }
        Ok(Figure::new(latencies, begin.elapsed()))
    }

    async fn keep(&self) -> anyhow::Result<(Duration, Duration)> {
        let (session_id, name) = (self.session.id.clone(), "bench".to_owned());
        let mut calls = self.session.calls.clone();
        let begin = Instant::now();
        let wanted = v1::SaveGraphRequest { session_id, name, ..Default::default() };
        calls.save_graph(wanted.clone()).await?;
        let saved = begin.elapsed();
        let v1::SaveGraphRequest { session_id, name, .. } = wanted;
        let wanted = v1::LoadGraphRequest { session_id, name, ..Default::default() };
        calls.load_graph(wanted).await?;
        Ok((saved, begin.elapsed() - saved))
    }
}

/// Publishes to a room, one after the other, until it is stopped.
async fn publishing(
    mut broadcast: BroadcastServiceClient<Channel>,
    stop: CancellationToken,
) -> anyhow::Result<Figure> {
    let (begin, mut latencies) = (Instant::now(), Vec::new());
    while !stop.is_cancelled() {
        let one = Instant::now();
        broadcast.publish(publish("beside", Bytes::from_static(&BODY))).await?;
        latencies.push(one.elapsed());
    }
    Ok(Figure::new(latencies, begin.elapsed()))
}

fn create(number: usize) -> v1::Command {
    let parent = (number > 0).then(|| format!("n{}", (number - 1) / FAMILY));
    let node = v1::Node {
        node_id: format!("n{number}"),
        node_type: "box".into(),
        name: format!("node {number}"),
        parent_id: parent.unwrap_or_default(),
        properties: [("x", "12.5"), ("label", "\"a node of a graph\"")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
    };
    let create = v1::CreateNode { node: Some(node) };
    v1::Command { kind: Some(v1::command::Kind::CreateNode(create)) }
}

/// Deletes a node and creates it again, as one: the largest graph takes no more.
fn replace(number: usize) -> v1::command::Kind {
    let delete = v1::DeleteNode { node_id: format!("n{number}") };
    let delete = v1::Command { kind: Some(v1::command::Kind::DeleteNode(delete)) };
    v1::command::Kind::Batch(v1::CommandBatch { commands: vec![delete, create(number)] })
}

fn set(number: usize, value: usize) -> v1::command::Kind {
    let (node_id, key) = (format!("n{number}"), "x".to_owned());
    v1::command::Kind::SetProperty(v1::SetProperty { node_id, key, value: value.to_string() })
}
