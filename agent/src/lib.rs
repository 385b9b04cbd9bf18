//! The agent: a worker for the jobs that projects ask for.
//!
//! It is a client like any other: it knows the core's public gRPC and nothing behind it, and takes its
//! jobs by way of `roomcast-client`. A job names a project; what the agent may touch of it is the
//! project's [`workspace`], which the agent's own configuration gives: a folder and the commands that
//! may run there. What is not configured is refused by a typed failure, never guessed.
//!
//! Modules, from the outside in: [`config`] (settings), [`workspace`] (project → folder and commands),
//! [`testrun`] (jobs of kind `test_run`), [`vibecode`] (jobs of kind `vibecode`) with the [`model`] that
//! answers. Beneath them [`guarded`] and the [`guard`] (a command of which nothing outlives its job, nor
//! the agent), [`child`] (a command in a process group of its own) and [`lines`] (text out of bytes as
//! they come).

pub mod child;
pub mod config;
pub mod guard;
mod guarded;
pub mod lines;
pub mod model;
pub mod testrun;
pub mod vibecode;
pub mod workspace;

use std::sync::Arc;
use std::time::Duration;

use roomcast_client::Client;
use roomcast_runtime::settings;
use tokio_util::sync::CancellationToken;

pub use self::config::{Config, Duties};
use self::vibecode::Desk;

/// Does jobs until `stop`, then lets those under way end within the drain's patience.
///
/// # Errors
/// When the model's URL is none, or the core refuses this worker for good.
pub async fn serve(client: Client, duties: Duties, stop: CancellationToken) -> anyhow::Result<()> {
    let (name, slots) = (duties.worker_id(), duties.agent_slots);
    let desk = Desk::of(&duties.model).map_err(settings::unusable)?;
    let model = desk.as_ref().map(|desk| desk.model.name());
    tracing::info!(name, slots, workspaces = duties.workspaces.len(), model, "serving");
    if duties.is_idle() {
        tracing::warn!("this agent has nothing to do: no --workspaces, no --model");
    }
    let worker = client.worker(name).slots(slots);
    let worker = worker.drain_patience(Duration::from_secs(duties.agent_drain_seconds));
    let workspaces = Arc::new(duties.workspaces);
    let for_tests = Arc::clone(&workspaces);
    let mut worker = worker.handle(testrun::KIND, move |work| {
        let workspaces = Arc::clone(&for_tests);
        async move { testrun::run(&work, &workspaces).await }
    });
    // Without a model messages wait for an agent that has one, and fail when none comes.
    if let Some(desk) = desk.map(Arc::new) {
        worker = worker.handle(vibecode::KIND, move |work| {
            let (desk, workspaces) = (Arc::clone(&desk), Arc::clone(&workspaces));
            async move { vibecode::run(&work, &desk, &workspaces).await }
        });
    }
    Ok(worker.run(stop).await?)
}
