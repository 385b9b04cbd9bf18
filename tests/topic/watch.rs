//! `WatchTopic`: a snapshot, what follows, and an end that says why.

use roomcast_proto::v1::CreateJobRequest;
use roomcast_proto::v1::watch_job_response::Frame as JobFrame;
use roomcast_proto::v1::watch_topic_response::Frame;
use roomcast_proto::v1::{CloseReason, JobState, WatchJobRequest, WatchTopicRequest};

use crate::support::recorder::publish_request;
use crate::support::worker::{completed, output};
use crate::support::{Core, Worker};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filtered_watch_skips_what_it_was_not_asked_for_and_its_cursor_goes_on_over_it() {
    let core = Core::start().await;
    let request = WatchTopicRequest {
        topic: "room:open".to_owned(),
        types: vec!["wanted".to_owned()],
        ..WatchTopicRequest::default()
    };
    let mut frames = core.broadcast().watch_topic(request).await.unwrap().into_inner();
    for kind in ["noise", "wanted", "noise", "wanted"] {
        let mut request = publish_request("room:open", "{}", "");
        request.event.as_mut().unwrap().r#type = kind.to_owned();
        core.broadcast().publish(request).await.unwrap();
    }
    let mut offsets = Vec::new();
    while offsets.len() < 2 {
        if let Some(Frame::Event(event)) = frames.message().await.unwrap().unwrap().frame {
            assert_eq!(event.r#type, "wanted");
            offsets.push(event.offset);
        }
    }
    assert_eq!(offsets, [2, 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watched_jobs_stream_is_its_snapshot_its_events_and_its_end() {
    let core = Core::start().await;
    let request = CreateJobRequest { kind: "watched".to_owned(), ..CreateJobRequest::default() };
    let job = core.jobs().create_job(request).await.unwrap().into_inner().job.unwrap();
    let request = WatchJobRequest { job_id: job.job_id.clone(), ..WatchJobRequest::default() };
    let mut frames = core.jobs().watch_job(request).await.unwrap().into_inner();
    let first = frames.message().await.unwrap().unwrap().frame;
    assert!(matches!(first, Some(JobFrame::Snapshot(ref seen)) if seen.cursor == job.cursor));
    let worker = Worker::new("w", core.jobs());
    let held = worker.lease("watched").await;
    worker.report(output(&held, 1, 0, "text")).await.unwrap();
    worker.report(completed(&held, 2)).await.unwrap();
    let mut states = Vec::new();
    let closed = loop {
        match frames.message().await.unwrap().expect("an end that is said").frame {
            Some(JobFrame::Event(event)) => {
                if let Some(roomcast_proto::v1::event::Body::Job(job)) = event.body {
                    states.push(job.state());
                }
            }
            Some(JobFrame::Closed(closed)) => break closed,
            _ => {}
        }
    };
    assert_eq!(closed.reason(), CloseReason::Ended);
    assert_eq!(states.last(), Some(&JobState::Completed));
    assert!(states.contains(&JobState::Running));
    assert_eq!(frames.message().await.unwrap(), None);
}
