//! Our own wish that the job end, on its way to the core.

use std::time::Duration;

use roomcast_client::backoff::Backoff;
use roomcast_proto::registry::Code;
use roomcast_proto::v1::CancelJobRequest;
use tokio_util::task::AbortOnDropHandle;

use super::interrupt::Interrupts;
use crate::connection::{Core, call};
use crate::span;

/// The first wait for a core that is away, at most; doubled up to [`RETRY_MAX`].
const RETRY_FIRST: Duration = Duration::from_millis(200);
/// See [`RETRY_FIRST`]. Someone waits at the terminal.
const RETRY_MAX: Duration = Duration::from_secs(2);

/// A cancellation that is asked for at most once, while the command is already ending.
#[derive(Debug)]
pub(super) struct CancelRequest {
    core: Core,
    job_id: String,
    grace: Duration,
    asking: Option<AbortOnDropHandle<()>>,
}

impl CancelRequest {
    pub(super) fn new(core: Core, job_id: String, grace: Duration) -> Self {
        Self { core, job_id, grace, asking: None }
    }

    pub(super) fn grace(&self) -> Duration {
        self.grace
    }

    /// Begins to ask.
    pub(super) fn start(&mut self) {
        if self.asking.is_none() {
            let asking = ask(self.core.clone(), self.job_id.clone(), self.grace);
            self.asking = Some(AbortOnDropHandle::new(tokio::spawn(asking)));
        }
    }

    /// Waits until the core has heard it, if it was asked at all: only a job that was asked to end may
    /// end as cancelled. Another interrupt ends the wait.
    pub(super) async fn heard(&mut self, interrupts: &mut Interrupts) {
        let Some(asking) = &mut self.asking else { return };
        tokio::select! {
            _ = asking => {}
            () = interrupts.next() => {}
        }
    }
}

async fn ask(core: Core, job_id: String, grace: Duration) {
    let mut backoff = Backoff::new(RETRY_FIRST, RETRY_MAX);
    loop {
        let reason = "interrupted at the terminal".to_owned();
        let job_id = job_id.clone();
        let request = CancelJobRequest { job_id, reason, grace: span::to_proto(grace) };
        match core.jobs().cancel_job(call(request)).await {
            Ok(_) => return,
            Err(status) if Code::of(&status).entry().retryable => {
                tokio::time::sleep(backoff.wait()).await;
            }
            Err(status) => {
                tracing::warn!(code = %Code::of(&status), "the job cannot be cancelled");
                return;
            }
        }
    }
}
