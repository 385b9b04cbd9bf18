//! Closed-loop load: so many publishers, each waits for its acknowledgement before the next.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::figure::Figure;

/// What every publisher does over and over: an operation on topic or job number `n`.
#[async_trait::async_trait]
pub(crate) trait Operation: Send + Sync + 'static {
    async fn run(&self, publisher: usize, round: u64) -> anyhow::Result<()>;
}

/// Whether a row's name contains one of these parts.
pub(crate) fn is_among(name: &str, parts: &[String]) -> bool {
    parts.iter().any(|part| name.contains(part.as_str()))
}

/// Runs `publishers` of an operation side by side for `span`.
pub(crate) async fn closed_loop(
    operation: Arc<dyn Operation>,
    publishers: usize,
    span: Duration,
) -> anyhow::Result<Figure> {
    let begin = Instant::now();
    let tasks: Vec<_> = (0..publishers)
        .map(|publisher| tokio::spawn(publish(operation.clone(), publisher, begin + span)))
        .collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    Ok(Figure::new(latencies, begin.elapsed()))
}

async fn publish(
    operation: Arc<dyn Operation>,
    publisher: usize,
    end: Instant,
) -> anyhow::Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    let mut round = 0;
    while Instant::now() < end {
        let begin = Instant::now();
        operation.run(publisher, round).await?;
        latencies.push(begin.elapsed());
        round += 1;
    }
    Ok(latencies)
}

/// Runs `step` at a steady rate until `span` is over, however long each takes.
pub(crate) async fn open_loop<F, T>(
    rate: u32,
    span: Duration,
    mut step: impl FnMut(u64) -> F,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<T>> + Send + 'static,
    T: Send + 'static,
{
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
    let end = Instant::now() + span;
    let mut tasks = tokio::task::JoinSet::new();
    let mut number = 0;
    while Instant::now() < end {
        ticks.tick().await;
        tasks.spawn(step(number));
        number += 1;
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}
