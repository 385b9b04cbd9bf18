//! The agent: a worker for the jobs that projects ask for.
//!
//! It is a client like any other: it knows the core's public gRPC and nothing behind it, and takes its
//! jobs by way of `roomcast-client`. A job names a project; what the agent may touch of it is the
//! project's [`workspace`], which the agent's own configuration gives: a folder and the commands that
//! may run there. What is not configured is refused by a typed failure, never guessed.
//!
//! Modules, from the outside in: [`config`] (settings), [`workspace`] (project → folder and commands),
//! [`testrun`] (jobs of kind `test_run`). Beneath them [`child`] and [`guard`] (a command in a process
//! group that never outlives its job, nor the agent) and [`lines`] (text out of bytes as they come).

pub mod child;
pub mod config;
mod guard;
pub mod lines;
pub mod testrun;
pub mod workspace;

use std::sync::Arc;
use std::time::Duration;

use roomcast_client::Client;
use tokio_util::sync::CancellationToken;

pub use self::config::{Config, Duties};

/// Does jobs until `stop`, then lets those under way end within the drain's patience.
///
/// # Errors
/// When the core refuses this worker for good.
pub async fn serve(
    client: Client,
    duties: Duties,
    stop: CancellationToken,
) -> Result<(), roomcast_client::Error> {
    let name = duties.worker_id();
    let slots = duties.agent_slots;
    tracing::info!(name, slots, workspaces = duties.workspaces.len(), "serving");
    let worker = client.worker(name).slots(slots);
    let worker = worker.drain_patience(Duration::from_secs(duties.agent_drain_seconds));
    let workspaces = Arc::new(duties.workspaces);
    let worker = worker.handle(testrun::KIND, move |work| {
        let workspaces = Arc::clone(&workspaces);
        async move { testrun::run(&work, &workspaces).await }
    });
    worker.run(stop).await
}
