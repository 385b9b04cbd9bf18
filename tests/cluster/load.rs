//! Steady publishing and jobs, through the client library and whichever core it finds.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use roomcast_client::Client;
use roomcast_client::client::call;
use roomcast_client::worker::{Completion, Work};
use roomcast_proto::v1::{CreateJobRequest, GetJobRequest, JobState};
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::checker::{Outcome, Publish};
use crate::support::log_reader::delivered;
use crate::support::recorder::publish_request;
use crate::support::worker::is_outage;
use crate::support::{Recorder, within};

const KIND: &str = "chaos";
/// Between two events of a publisher, and between two jobs.
const PACE: Duration = Duration::from_millis(40);
const JOB_PACE: Duration = Duration::from_millis(250);
/// Between two tries while no core answers.
const AGAIN_AFTER: Duration = Duration::from_millis(50);
/// A lease must run out, and the core that held it may be the one that comes back last.
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) struct Load {
    client: Client,
    recorder: Recorder,
    jobs: Arc<Mutex<Vec<String>>>,
    makers: JoinSet<()>,
    workers: JoinSet<()>,
    ends: (CancellationToken, CancellationToken),
}

impl Load {
    /// One publisher to a topic, one who creates jobs, and two workers.
    pub(super) fn begin(client: &Client, recorder: &Recorder, topic: &str) -> Load {
        let ends = (CancellationToken::new(), CancellationToken::new());
        let (mut makers, mut workers) = (JoinSet::new(), JoinSet::new());
        let jobs = Arc::default();
        let (making, working) = &ends;
        let topic = topic.to_owned();
        makers.spawn(publish(client.clone(), recorder.clone(), topic, making.clone()));
        makers.spawn(create(client.clone(), Arc::clone(&jobs), making.clone()));
        for number in 0..2 {
            let worker = client.worker(format!("worker-{number}")).slots(4).handle(KIND, work);
            let working = working.clone();
            workers.spawn(async move { worker.run(working).await.expect("it is not refused") });
        }
        let (client, recorder) = (client.clone(), recorder.clone());
        Load { client, recorder, jobs, makers, workers, ends }
    }

    /// How many events and jobs there are so far.
    pub(super) fn made(&self) -> (usize, usize) {
        (self.recorder.acked(), self.jobs.lock().expect("no panic").len())
    }

    /// Makes nothing more, and waits until every job has ended. Answers their topics.
    pub(super) async fn finish(mut self) -> Vec<String> {
        self.ends.0.cancel();
        joined(&mut self.makers).await;
        let jobs = self.jobs.lock().expect("no panic").clone();
        for job_id in &jobs {
            let request = GetJobRequest { job_id: job_id.clone() };
            within(PATIENCE, &format!("job {job_id} ends"), async || {
                let answer = self.client.jobs().get_job(call(request.clone())).await.ok()?;
                let state = answer.into_inner().job?.state();
                (state == JobState::Completed).then_some(())
            })
            .await;
        }
        self.ends.1.cancel();
        joined(&mut self.workers).await;
        jobs.iter().map(|job_id| format!("job:{job_id}")).collect()
    }
}

async fn joined(tasks: &mut JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        ended.expect("no panic");
    }
}

/// One event after the other; what has an unknown outcome is tried again with its key.
async fn publish(client: Client, recorder: Recorder, topic: String, end: CancellationToken) {
    for number in 0_u64.. {
        if end.is_cancelled() {
            return;
        }
        let payload = json!({ "number": number });
        let content = delivered("measured", &payload);
        let request = publish_request(&topic, &payload.to_string(), &format!("event-{number}"));
        let started_at = recorder.now();
        let event = loop {
            match client.broadcast().publish(call(request.clone())).await {
                Ok(answer) => break answer.into_inner().published.expect("a published event"),
                Err(status) => outage(&status).await,
            }
        };
        let at = recorder.now();
        let outcome = Outcome::Acked { at, offset: event.offset, cursor: event.cursor };
        recorder.published(Publish { topic: topic.clone(), content, started_at, outcome });
        tokio::time::sleep(PACE).await;
    }
}

async fn create(client: Client, jobs: Arc<Mutex<Vec<String>>>, end: CancellationToken) {
    for number in 0_u64.. {
        if end.is_cancelled() {
            return;
        }
        let request = CreateJobRequest {
            kind: KIND.to_owned(),
            idempotency_key: format!("job-{number}"),
            ..CreateJobRequest::default()
        };
        let job = loop {
            match client.jobs().create_job(call(request.clone())).await {
                Ok(answer) => break answer.into_inner().job.expect("a job"),
                Err(status) => outage(&status).await,
            }
        };
        jobs.lock().expect("no panic").push(job.job_id);
        tokio::time::sleep(JOB_PACE).await;
    }
}

async fn work(work: Work) -> Result<Completion, roomcast_client::worker::Stop> {
    work.update(50.0, "half of it").await?;
    work.write("stdout", "a line\n").await?;
    Ok(Completion::empty())
}

async fn outage(status: &tonic::Status) {
    assert!(is_outage(status), "{status:?}");
    tokio::time::sleep(AGAIN_AFTER).await;
}
