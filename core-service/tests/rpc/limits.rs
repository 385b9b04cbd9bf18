//! A limited kind, as workers of both sorts meet it.

use std::time::Duration;

use roomcast_identity::Scope;
use roomcast_proto::v1::work_request::Request as Said;
use roomcast_proto::v1::work_response::Response as Heard;
use roomcast_proto::v1::{self, report};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::core::{Core, report as job, request, serve, service};

/// Longest wait for an assignment that must come.
const PATIENCE: Duration = Duration::from_secs(20);

async fn core() -> Core {
    let limit = "capped=all:2".parse().expect("a limit");
    serve(|config, _| config.job_limits = vec![limit]).await
}

async fn create(core: &Core, kind: &str) -> String {
    let token = service(&[Scope::Service]);
    let created = core.jobs().create_job(request(job(kind), Some(&token), None)).await;
    created.expect("created").into_inner().job.expect("a job").job_id
}

/// What a worker of `capped` and `open` with many slots hears.
struct Worker {
    say: mpsc::Sender<v1::WorkRequest>,
    heard: Streaming<v1::WorkResponse>,
}

impl Worker {
    async fn connect(core: &Core) -> Worker {
        let (say, said) = mpsc::channel(16);
        let hello = v1::WorkerHello {
            worker_id: "w".into(),
            kinds: vec!["capped".into(), "open".into()],
            slots: 9,
            ..v1::WorkerHello::default()
        };
        say.send(v1::WorkRequest { request: Some(Said::Hello(hello)) }).await.expect("sent");
        let token = service(&[Scope::Worker]);
        let said = request(ReceiverStream::new(said), Some(&token), None);
        let heard = core.jobs().work(said).await.expect("a stream").into_inner();
        Worker { say, heard }
    }

    async fn assignment(&mut self) -> v1::Assignment {
        let heard = async {
            loop {
                let message = self.heard.message().await.expect("a message").expect("not the end");
                if let Some(Heard::Assignment(assignment)) = message.response {
                    return assignment;
                }
            }
        };
        tokio::time::timeout(PATIENCE, heard).await.expect("an assignment in time")
    }

    async fn complete(&self, assignment: &v1::Assignment) {
        let end = report::End::Completed(v1::Completion::default());
        let report = v1::Report {
            job_id: id(assignment),
            fence: assignment.fence,
            number: 1,
            end: Some(end),
            ..v1::Report::default()
        };
        let message = v1::WorkRequest { request: Some(Said::Report(report)) };
        self.say.send(message).await.expect("sent");
    }
}

fn id(assignment: &v1::Assignment) -> String {
    assignment.job.as_ref().expect("a job").job_id.clone()
}

/// What a worker gets that asks once.
async fn ask(core: &Core) -> Vec<v1::Assignment> {
    let asked = v1::LeaseJobsRequest {
        worker_id: "once".into(),
        kinds: vec!["capped".into()],
        max_jobs: 9,
        ..v1::LeaseJobsRequest::default()
    };
    let token = service(&[Scope::Worker]);
    let answer = core.jobs().lease_jobs(request(asked, Some(&token), None)).await;
    answer.expect("answered").into_inner().assignments
}

#[tokio::test]
async fn no_worker_gets_more_of_a_kind_than_its_limit_and_an_end_makes_room() {
    let core = core().await;
    let mut worker = Worker::connect(&core).await;
    let mut created = Vec::new();
    for _ in 0..4 {
        created.push(create(&core, "capped").await);
    }
    let open = create(&core, "open").await;
    let (first, second) = (worker.assignment().await, worker.assignment().await);
    assert_eq!([id(&first), id(&second)], created[..2]);
    let third = worker.assignment().await;
    assert_eq!(id(&third), open, "another kind goes on");
    assert!(ask(&core).await.is_empty(), "nor does another worker get more");
    worker.complete(&first).await;
    let next = worker.assignment().await;
    assert_eq!(id(&next), created[2]);
    drop(worker);

    let token = service(&[Scope::Service]);
    let wanted = v1::GetJobRequest { job_id: created[3].clone() };
    let shown = core.jobs().get_job(request(wanted, Some(&token), None)).await;
    let limit = shown.expect("shown").into_inner().limit.expect("a limit");
    assert_eq!((limit.all, limit.each), (2, 0));
    let cancel = v1::CancelJobRequest { job_id: created[3].clone(), ..Default::default() };
    core.jobs().cancel_job(request(cancel, Some(&token), None)).await.expect("cancelled");
    assert!(ask(&core).await.is_empty(), "the two at work keep their leases without a stream");
}
