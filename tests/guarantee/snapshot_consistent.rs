//! 6. Snapshot-consistent.

use roomcast_proto::v1::event::Body;
use roomcast_proto::v1::job_event::Kind;
use roomcast_proto::v1::watch_job_response::Frame;
use roomcast_proto::v1::{
    CreateJobRequest, GetJobRequest, Job, JobEvent, Progress, WatchJobRequest,
};

use crate::support::worker::{completed, output, progress};
use crate::support::{Core, Worker};

const WATCHERS: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshot_consistent_the_events_after_any_snapshot_fold_it_into_exactly_the_final_state() {
    let core = Core::start().await;
    let request = CreateJobRequest { kind: "folded".to_owned(), ..CreateJobRequest::default() };
    let job = core.jobs().create_job(request).await.unwrap().into_inner().job.unwrap();
    let worker = Worker::new("w", core.jobs());
    let held = worker.lease("folded").await;
    let mut watchers = Vec::new();
    let mut written = 0;
    for step in 1..=WATCHERS as u64 {
        let line = format!("line {step}\n");
        worker.report(output(&held, 2 * step - 1, written, &line)).await.unwrap();
        written += line.len() as u64;
        worker.report(progress(&held, 2 * step, 8.0 * step as f64)).await.unwrap();
        let (mut jobs, job_id) = (core.jobs(), job.job_id.clone());
        watchers.push(tokio::spawn(async move {
            let request = WatchJobRequest { job_id, ..WatchJobRequest::default() };
            let mut frames = jobs.watch_job(request).await.unwrap().into_inner();
            let mut state = None;
            while let Some(message) = frames.message().await.unwrap() {
                match message.frame {
                    Some(Frame::Snapshot(snapshot)) => state = Some(snapshot),
                    Some(Frame::Event(event)) => {
                        let state = state.as_mut().expect("a snapshot first");
                        state.cursor = event.cursor;
                        let Some(Body::Job(event)) = event.body else { panic!("a job's event") };
                        fold(state, event);
                    }
                    Some(Frame::Closed(_)) => break,
                    _ => {}
                }
            }
            state.expect("a snapshot")
        }));
    }
    worker.report(completed(&held, 2 * WATCHERS as u64 + 1)).await.unwrap();
    let request = GetJobRequest { job_id: job.job_id };
    let last = core.jobs().get_job(request).await.unwrap().into_inner().job.unwrap();
    for watcher in watchers {
        let folded = watcher.await.unwrap();
        assert_eq!(seen(&folded), seen(&last));
        assert_eq!((folded.result, folded.cursor), (last.result.clone(), last.cursor.clone()));
    }
}

/// What events say of a job.
fn fold(job: &mut Job, event: JobEvent) {
    job.state = event.state;
    job.attempt = event.attempt;
    match event.kind.expect("a kind") {
        Kind::Started(_) => {
            job.progress = Some(Progress::default());
            job.output_bytes.clear();
        }
        Kind::Progressed(progressed) => job.progress = progressed.progress,
        Kind::Output(output) => {
            let end = output.offset + output.data.len() as u64;
            let before = job.output_bytes.insert(output.channel, end);
            assert_eq!(before.unwrap_or(0), output.offset, "output joins on");
        }
        Kind::Completed(completed) => job.result = completed.result,
        _ => {}
    }
    job.progress.get_or_insert_default().percent = event.percent;
}

fn seen(job: &Job) -> (i32, u32, f64, Vec<(String, u64)>) {
    let percent = job.progress.as_ref().map_or(0.0, |progress| progress.percent);
    (job.state, job.attempt, percent, job.output_bytes.clone().into_iter().collect())
}
