//! Against a real core, on loopback and in this process.

mod stage;

use std::time::Duration;

use futures::poll;
use prost::Message as _;
use roomcast_proto::registry::Code;
use roomcast_proto::v1::{CancelJobRequest, Job, JobState, ListJobsRequest, Timeouts};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use self::stage::{Server, Stage, at_work_without_end, handled, soon};
use super::held::{Held, Taken};
use super::*;
use crate::event::Event;

/// As the core grants it.
const LEASE: Duration = Duration::from_secs(15);

fn line() -> News {
    News::new().output("stdout", &b"line\n"[..])
}

#[tokio::test]
async fn a_restart_of_the_core_loses_no_report_and_takes_none_twice() {
    let Stage { mut server, worker: _worker, work, job_id } = Stage::set().await;
    for _ in 0..20 {
        work.report(line()).await.unwrap();
    }
    server.end().await;
    for _ in 20..40 {
        work.report(line()).await.unwrap();
    }
    server.start_again().await;
    soon(work.end(End::Completed(Completion::empty()))).await.unwrap();
    assert_eq!(server.written(&job_id).await, 200);
    assert_eq!(server.state(&job_id).await, JobState::Completed);
    server.end().await;
}

#[tokio::test]
async fn a_cancellation_reaches_the_work_and_its_end_is_recorded() {
    let Stage { mut server, worker: _worker, work, job_id } = Stage::set().await;
    work.report(News::new()).await.unwrap();

    let early = work.end(End::Cancelled).await;
    assert!(matches!(early, Err(ReportError::Refused(_))), "nobody asked: {early:?}");

    let request = CancelJobRequest { job_id: job_id.clone(), ..CancelJobRequest::default() };
    server.core.jobs().cancel_job(request).await.unwrap();
    soon(work.cancelled().cancelled()).await;
    assert!(work.grace().is_some_and(|grace| grace <= Duration::from_secs(10)));
    soon(work.end(End::Cancelled)).await.unwrap();
    assert_eq!(server.state(&job_id).await, JobState::Cancelled);
    server.end().await;
}

#[tokio::test]
async fn work_on_a_job_that_ended_elsewhere_is_lost() {
    let Stage { mut server, worker: _worker, work, job_id } = Stage::set().await;
    work.report(News::new()).await.unwrap();

    // A grace of nothing: the core does not wait for the worker.
    let grace = Some(prost_types::Duration { seconds: 0, nanos: 1_000_000 });
    let request = CancelJobRequest { job_id, grace, ..CancelJobRequest::default() };
    server.core.jobs().cancel_job(request).await.unwrap();
    soon(work.lost().cancelled()).await;
    assert_eq!(work.report(News::new()).await, Err(Lost));
    server.end().await;
}

#[tokio::test]
async fn a_drained_worker_ends_when_its_job_has() {
    let Stage { mut server, mut worker, work, .. } = Stage::set().await;
    let waiting = server.create().await;
    worker.drain().await;
    soon(work.end(End::Completed(Completion::empty()))).await.unwrap();
    assert!(soon(worker.next()).await.unwrap().is_none(), "it takes no other job");
    assert_eq!(server.state(&waiting).await, JobState::Queued);
    server.end().await;
}

#[tokio::test]
async fn a_worker_that_is_refused_says_so() {
    let mut server = Server::start().await;
    let mut worker = server.core.worker("").kind("test").start();
    let refused = soon(worker.next()).await.unwrap_err();
    assert!(matches!(refused, Error::Refused { code: Code::InvalidArgument, .. }), "{refused}");
    assert!(soon(worker.next()).await.unwrap().is_none(), "it has ended");
    server.end().await;
}

#[tokio::test]
async fn what_a_handler_answers_is_the_jobs_end() {
    let completed = handled(async |work| {
        work.stage("drafting", 40.0).await?;
        Ok(Completion::json(&serde_json::json!({"pages": 3}))?)
    });
    let completed = completed.await;
    assert_eq!(completed.state(), JobState::Completed);
    assert_eq!(completed.result.unwrap().data, r#"{"pages":3}"#);

    let failed = handled(async |_| Err(Failure::new("no_paper", "fill the tray").into())).await;
    assert_eq!(failed.state(), JobState::Failed);
    assert_eq!(failed.error.unwrap().code, "no_paper");
}

#[tokio::test]
async fn a_handler_that_panics_fails_its_job_alone() {
    let failed = handled(async |_| panic!("as it must")).await;
    assert_eq!(failed.error.unwrap().code, "panicked");
}

#[tokio::test]
async fn a_handler_that_panics_before_it_has_a_future_fails_its_job_alone() {
    let failed = handled(|work: Work| {
        assert!(work.job().job_id.is_empty(), "as it must");
        std::future::ready(Ok(Completion::empty()))
    });
    assert_eq!(failed.await.error.unwrap().code, "panicked");
}

#[tokio::test]
async fn a_worker_that_runs_serves_no_kind_without_a_handler() {
    let mut server = Server::start().await;
    let (other, job_id) = (server.create_of("other").await, server.create().await);
    let stop = CancellationToken::new();
    let worker = server.core.worker("test").kind("other");
    let worker = worker.handle("test", async |_| Ok(Completion::empty()));
    let running = tokio::spawn(worker.run(stop.clone()));
    assert_eq!(server.ended(&job_id).await.state(), JobState::Completed);
    assert_eq!(server.workers(&other).await, 0);
    stop.cancel();
    soon(running).await.unwrap().unwrap();
    server.end().await;
}

#[tokio::test]
async fn a_lease_is_forgotten_with_its_work_and_a_drain_does_not_wait_for_it() {
    let Stage { mut server, mut worker, work, .. } = Stage::set().await;
    work.report(line()).await.unwrap();
    drop(work);
    worker.drain().await;
    assert!(soon(worker.next()).await.unwrap().is_none(), "it ends");
    server.end().await;
}

#[tokio::test]
async fn a_worker_that_drains_at_once_leaves_no_job_to_its_lease() {
    let mut server = Server::start().await;
    let mut job_ids = Vec::new();
    for _ in 0..8 {
        job_ids.push(server.create().await);
    }
    let mut worker = server.core.worker("test").kind("test").slots(8).start();
    worker.drain().await;
    // One that came before the drain was seen is given back; later ones it never hears of.
    while let Some(work) = soon(worker.next()).await.unwrap() {
        work.end(End::Released("draining".to_owned())).await.unwrap();
    }
    // Well before a lease is over.
    let all_are_free = async {
        for job_id in job_ids {
            while !server.job(&job_id).await.worker_id.is_empty() {
                tokio::task::yield_now().await;
            }
        }
    };
    tokio::time::timeout(LEASE / 2, all_are_free).await.expect("nobody has a lease");
    server.end().await;
}

#[tokio::test]
async fn a_drain_ends_though_the_core_is_away() {
    let mut server = Server::start().await;
    server.create().await;
    let (stop, running) = at_work_without_end(&server.core).await;
    server.end().await;
    stop.cancel();
    soon(running).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_result_that_is_too_large_fails_the_job_and_says_so() {
    // Of the second the core hears nothing: no message holds it.
    for size in [(1 << 20) + 1, 5 << 20] {
        let result = Completion::bytes("text/plain", vec![b'x'; size]);
        let failed = handled(move |_| std::future::ready(Ok(result.clone()))).await;
        assert_eq!(failed.error.unwrap().code, "payload_too_large");
    }
}

#[tokio::test]
async fn a_drain_gives_back_what_does_not_end_in_time() {
    let mut server = Server::start().await;
    let job_id = server.create().await;
    let (stop, running) = at_work_without_end(&server.core).await;
    stop.cancel();
    soon(running).await.unwrap().unwrap();
    assert_eq!(server.state(&job_id).await, JobState::Queued, "the attempt does not count");
    server.end().await;
}

#[tokio::test]
async fn what_is_too_large_for_a_message_is_refused_and_the_worker_goes_on() {
    let Stage { mut server, worker: _worker, work, job_id } = Stage::set().await;
    let large = || vec![b'x'; 5 << 20];
    work.report(News::new().output("stdout", large())).await.unwrap();
    let end = End::Completed(Completion::bytes("text/plain", large()));
    match soon(work.end(end)).await {
        Err(ReportError::Refused(failure)) => assert_eq!(failure.code(), "payload_too_large"),
        other => panic!("it is not to be taken: {other:?}"),
    }
    // In pieces it goes.
    work.write("stdout", large()).await.unwrap();
    soon(work.end(End::Completed(Completion::empty()))).await.unwrap();
    assert_eq!(server.written(&job_id).await, 5 << 20);
    server.end().await;
}

#[tokio::test]
async fn a_job_reaches_its_worker_with_all_that_its_creator_said() {
    let mut server = Server::start().await;
    let input = serde_json::json!({ "pages": 3 });
    let later = std::time::SystemTime::now() + Duration::from_secs(3600);
    let create = server.core.create_job("print").input(&input).unwrap().owner("ana");
    let create = create.label("floor", "2").priority(7).pinned_worker("printer-1");
    let timeouts = Timeouts { attempt: Some(LEASE.try_into().unwrap()), ..Timeouts::default() };
    let create = create.timeouts(timeouts).idempotency_key("monday");
    let job = create.clone().await.unwrap();
    assert_eq!(create.clone().await.unwrap().job_id, job.job_id, "the key is its own");
    let other = create.clone().run_at(later).await;
    assert!(matches!(other, Err(Error::Refused { code: Code::IdempotencyMismatch, .. })));

    let mut worker = server.core.worker("printer-1").kind("print").start();
    let work = soon(worker.next()).await.unwrap().unwrap();
    assert_eq!(work.input::<serde_json::Value>().unwrap(), input);
    let got = work.job();
    assert_eq!((got.job_id.as_str(), got.owner.as_str()), (job.job_id.as_str(), "ana"));
    assert_eq!((got.priority, got.labels.get("floor").map(String::as_str)), (7, Some("2")));
    assert_eq!(got.timeouts.and_then(|timeouts| timeouts.attempt), timeouts.attempt);
    soon(work.end(End::Completed(Completion::empty()))).await.unwrap();
    server.end().await;
}

#[tokio::test]
async fn a_job_is_created_once_though_its_core_was_away() {
    let mut server = Server::start().await;
    server.end().await;
    let mut creating = Box::pin(server.core.create_job("test").into_future());
    assert!(poll!(&mut creating).is_pending());
    let (job, ()) = soon(async { tokio::join!(creating, server.start_again()) }).await;
    let listed = server.core.jobs().list_jobs(ListJobsRequest::default()).await;
    let jobs = listed.unwrap().into_inner().jobs;
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].job_id, job.unwrap().job_id);
    server.end().await;
}

#[tokio::test]
async fn a_flush_waits_for_what_was_said_and_tells_what_was_not_taken() {
    let Stage { mut server, worker: _worker, work, job_id } = Stage::set().await;
    work.report(line()).await.unwrap();
    soon(work.flush()).await.unwrap();
    assert_eq!(server.written(&job_id).await, 5);
    let large = News::new().output("stdout", vec![b'x'; 5 << 20]);
    for (news, code) in [
        (News::new().output("no channel!", &b"line"[..]), "invalid_argument"),
        (large, "payload_too_large"),
    ] {
        work.report(news).await.unwrap();
        work.report(line()).await.unwrap();
        match soon(work.flush()).await {
            Err(ReportError::Refused(failure)) => assert_eq!(failure.code(), code),
            other => panic!("{code} is to be told: {other:?}"),
        }
        soon(work.flush()).await.unwrap();
    }
    assert_eq!(server.written(&job_id).await, 15);
    soon(work.end(End::Completed(Completion::empty()))).await.unwrap();
    assert_eq!(soon(work.flush()).await, Err(Lost.into()));
    server.end().await;
}

#[tokio::test]
async fn whoever_writes_much_waits_for_what_is_on_its_way() {
    let held = Held::new(Default::default());
    let (orders, mut ordered) = mpsc::channel(ORDERS_MAX);
    let taken = Taken::new(Job::default(), std::sync::Arc::new(Notify::new()));
    let work = Work::new(taken, &held, orders.downgrade());
    let mut writing = Box::pin(work.write("stdout", vec![b'x'; 32 << 20]));
    let mut bytes = 0;
    loop {
        assert!(poll!(&mut writing).is_pending(), "it is not all taken at once");
        let Ok(order) = ordered.try_recv() else { break };
        if let Order::Report { report, .. } = order {
            bytes += report.encoded_len();
        }
        tokio::task::yield_now().await;
    }
    assert!((12 << 20..=16 << 20).contains(&bytes), "{bytes} bytes are kept");
}

#[tokio::test]
async fn a_job_that_tells_more_than_it_may_at_once_is_slowed_down_and_told_whole() {
    let Stage { mut server, worker: _worker, work, job_id } = Stage::set().await;
    // A core takes 2,000 events at once, and 200 a second.
    let event = Event::json("told", &serde_json::json!({})).unwrap();
    for _ in 0..220 {
        let news = (0..10).fold(News::new(), |news, _| news.event(event.clone()));
        work.report(news.output("stdout", &b"."[..])).await.unwrap();
    }
    soon(work.end(End::Completed(Completion::empty()))).await.unwrap();
    assert_eq!(server.written(&job_id).await, 220);
    server.end().await;
}

#[tokio::test]
async fn nobody_hears_what_is_said_after_the_end() {
    let Stage { mut server, worker: _worker, work, .. } = Stage::set().await;
    soon(work.end(End::Completed(Completion::empty()))).await.unwrap();
    assert_eq!(soon(work.report(line())).await, Err(Lost));
    server.end().await;
}

#[tokio::test]
async fn a_worker_that_has_nothing_left_ends_though_the_core_is_away() {
    let Stage { mut server, mut worker, work, .. } = Stage::set().await;
    server.end().await;
    worker.drain().await;
    drop(work);
    assert!(soon(worker.next()).await.unwrap().is_none(), "it ends");
}

#[tokio::test]
async fn an_empty_key_leaves_a_publish_its_own() {
    let mut server = Server::start().await;
    let event = Event::json("note", &serde_json::json!({})).unwrap();
    let publish = server.core.publisher().publish("room:board", event).idempotency_key("");
    let first = publish.clone().await.unwrap();
    assert_eq!(publish.await.unwrap().event_id, first.event_id, "repeated, not made twice");
    server.end().await;
}

#[tokio::test]
async fn events_are_published_once_under_one_key() {
    let mut server = Server::start().await;
    let publisher = server.core.publisher();
    let event = || Event::json("note", &serde_json::json!({"n": 1})).unwrap();
    let first = publisher.publish("room:board", event()).idempotency_key("k").await.unwrap();
    // The answer may have been lost with the core; the same key is answered by the same event.
    server.end().await;
    let again =
        tokio::spawn(publisher.publish("room:board", event()).idempotency_key("k").into_future());
    server.start_again().await;
    assert_eq!(soon(again).await.unwrap().unwrap().event_id, first.event_id);
    let batch = publisher.publish_batch("room:board", [event(), event()]).await.unwrap();
    assert_eq!(batch.iter().map(|one| one.offset).collect::<Vec<_>>(), [2, 3]);
    let late = publisher.publish("room:board", event()).expected_offset(1).await.unwrap_err();
    assert!(matches!(late, Error::Refused { code: Code::OffsetConflict, .. }), "{late}");
    server.end().await;
}
