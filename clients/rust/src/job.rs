//! Jobs, for those who want them done. What else there is to ask about them has [`Client::jobs`].
//!
//! Every job is created under an idempotency key, the caller's or one of its own, so it is tried again
//! when the core is away or an answer is lost, and there is never a second one.

use std::future::IntoFuture;
use std::time::SystemTime;

use bytes::Bytes;
use futures::future::BoxFuture;
use roomcast_proto::v1::{CreateJobRequest, Payload};
pub use roomcast_proto::v1::{Job, RetryPolicy, Timeouts};
use serde::Serialize;
use uuid::Uuid;

use crate::client::{Client, call};
use crate::error::Error;
use crate::patience::Patience;

const JSON: &str = "application/json";

impl Client {
    /// Records a job of this kind, `[A-Za-z0-9_.-]{1,128}`, which then waits for a worker. Await it: the
    /// answer is the job as it stands.
    #[must_use = "a job is not created unless awaited"]
    pub fn create_job(&self, kind: impl Into<String>) -> CreateJob {
        let request = CreateJobRequest {
            kind: kind.into(),
            idempotency_key: Uuid::new_v4().to_string(),
            ..CreateJobRequest::default()
        };
        CreateJob { client: self.clone(), request }
    }
}

/// A job to be; see [`Client::create_job`].
#[derive(Debug, Clone)]
#[must_use = "a job is not created unless awaited"]
pub struct CreateJob {
    client: Client,
    request: CreateJobRequest,
}

impl CreateJob {
    /// What to work on, as JSON: at most 1 MiB.
    ///
    /// # Errors
    /// [`Error::Payload`] when the value cannot be written as JSON.
    pub fn input(self, value: &impl Serialize) -> Result<Self, Error> {
        let data = serde_json::to_vec(value)?;
        Ok(self.input_bytes(JSON, data))
    }

    /// What to work on, of any media type: at most 1 MiB.
    pub fn input_bytes(mut self, content_type: impl Into<String>, data: impl Into<Bytes>) -> Self {
        let payload = Payload { content_type: content_type.into(), data: data.into() };
        self.request.input = Some(payload);
        self
    }

    /// The user it belongs to, said by services and admins. Without it, the caller.
    pub fn owner(mut self, owner: impl Into<String>) -> Self {
        self.request.owner = owner.into();
        self
    }

    /// Another tenant than `default`. Only services choose; a user's is the user's own.
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.request.tenant = tenant.into();
        self
    }

    /// The project it belongs to.
    pub fn project(mut self, project_id: impl Into<String>) -> Self {
        self.request.project_id = project_id.into();
        self
    }

    /// The session it works for; its project is then the job's.
    pub fn session(mut self, session_id: impl Into<String>) -> Self {
        self.request.session_id = session_id.into();
        self
    }

    /// -100 to 100; higher is sooner.
    pub fn priority(mut self, priority: i32) -> Self {
        self.request.priority = priority;
        self
    }

    /// Earliest start.
    pub fn run_at(mut self, time: SystemTime) -> Self {
        self.request.run_at = Some(time.into());
        self
    }

    /// How failures are retried.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.request.retry = Some(policy);
        self
    }

    /// How long things may take.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.request.timeouts = Some(timeouts);
        self
    }

    /// Adds a label, of at most 32. Key and value have at most 128 bytes.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.request.labels.insert(key.into(), value.into());
        self
    }

    /// Only this worker may take it.
    pub fn pinned_worker(mut self, worker_id: impl Into<String>) -> Self {
        self.request.pinned_worker_id = worker_id.into();
        self
    }

    /// The same key and content within 24 h answer the same job. At most 128 bytes; an empty one leaves
    /// the job its own.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        let key = key.into();
        if !key.is_empty() {
            self.request.idempotency_key = key;
        }
        self
    }

    async fn run(self) -> Result<Job, Error> {
        let mut patience = Patience::new();
        loop {
            match self.client.jobs().create_job(call(self.request.clone())).await {
                Ok(answer) => return Ok(answer.into_inner().job.unwrap_or_default()),
                Err(status) => patience.bear(status.into()).await?,
            }
        }
    }
}

impl IntoFuture for CreateJob {
    type Output = Result<Job, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
