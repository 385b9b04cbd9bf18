//! `kill -9` of the core in the middle of bursts of publishing, with a job at work, judged by the checker.
//!
//! Six kills in the usual run. With `ROOMCAST_PROVE=1` a hundred, whose figures go to
//! `docs/evidence/kill-core.md`.

use std::time::{Duration, Instant};

use roomcast_proto::v1::{CreateJobRequest, ReadJobOutputRequest};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::checker::{Entry, History, Outcome, Publish, check};
use crate::support::evidence::length;
use crate::support::log_reader::read_log;
use crate::support::recorder::publisher;
use crate::support::worker::{completed, is_outage, output, progress};
use crate::support::{Core, Evidence, Jobs, Recorder, Subscriber, Worker, eventually};

const KILLS: usize = 6;
const KILLS_TO_PROVE: usize = 100;
/// Acknowledgements between two kills: enough that one comes in the middle of a burst.
const BURST: usize = 150;
const TOPICS: usize = 3;
const PUBLISHERS_OF_A_TOPIC: usize = 2;
const SUBSCRIBERS_OF_A_TOPIC: usize = 2;

/// What a run showed.
#[derive(Debug)]
struct Figures {
    kills: usize,
    acked: usize,
    tried: usize,
    logged: usize,
    delivered: usize,
    reports: u64,
    ended_jobs: usize,
    longest_restart: Duration,
    took: Duration,
}

impl Figures {
    fn of(
        history: &History,
        kills: usize,
        reports: u64,
        longest_restart: Duration,
        took: Duration,
    ) -> Figures {
        let is_acked = |publish: &&Publish| matches!(publish.outcome, Outcome::Acked { .. });
        let is_event = |entry: &&Entry| matches!(entry, Entry::Event { .. });
        let logged = || history.logs.values().flatten();
        let delivered = history.streams.iter().flat_map(|stream| &stream.entries);
        Figures {
            kills,
            acked: history.publishes.iter().filter(is_acked).count(),
            tried: history.publishes.len(),
            logged: logged().count(),
            delivered: delivered.filter(is_event).count(),
            ended_jobs: logged().filter(|event| event.is_end).count(),
            reports,
            longest_restart,
            took,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_core_killed_in_the_middle_of_bursts_loses_doubles_and_moves_nothing() {
    let figures = run(length(KILLS, KILLS_TO_PROVE)).await;
    write_evidence(&figures);
}

async fn run(kills: usize) -> Figures {
    let began = Instant::now();
    let mut core = Core::start().await;
    let recorder = Recorder::new();
    let topics: Vec<String> = (0..TOPICS).map(|number| format!("room:burst-{number}")).collect();
    let mut subscribers = Vec::new();
    for topic in &topics {
        for number in 0..SUBSCRIBERS_OF_A_TOPIC {
            let who = format!("{topic} subscriber {number}");
            subscribers.push(Subscriber::spawn(core.broadcast(), topic, &who).await);
        }
    }
    let end = CancellationToken::new();
    let mut publishers = JoinSet::new();
    for topic in &topics {
        for number in 0..PUBLISHERS_OF_A_TOPIC {
            let place = (topic.clone(), format!("{topic} publisher {number}"));
            publishers.spawn(publisher(recorder.clone(), core.broadcast(), place, end.clone()));
        }
    }
    let (job_topic, watcher, work) = start_job(&core, end.clone()).await;
    let short = tokio::spawn(work_on_short_jobs(core.jobs(), end.clone()));

    let mut longest_restart = Duration::ZERO;
    for _ in 0..kills {
        let target = recorder.acked() + BURST;
        eventually("a burst under way", async || (recorder.acked() >= target).then_some(())).await;
        core.kill();
        longest_restart = longest_restart.max(core.restart().await);
    }
    end.cancel();
    while let Some(published) = publishers.join_next().await {
        published.expect("a publisher that does not panic");
    }
    let reports = work.await.expect("a worker that does not panic");
    let short = short.await.expect("a worker that does not panic");

    let mut topics = topics;
    topics.push(job_topic);
    topics.extend(short);
    for subscriber in subscribers.into_iter().chain([watcher]) {
        recorder.streamed(followed_to_the_end(&core, subscriber).await);
    }
    let history = recorder.finish(&core.broadcast(), &topics).await;
    assert_eq!(check(&history), []);
    Figures::of(&history, kills, reports, longest_restart, began.elapsed())
}

/// A job whose worker reports on through every kill. Answers its topic, its watcher, and the worker,
/// which answers how many reports it made.
async fn start_job(
    core: &Core,
    end: CancellationToken,
) -> (String, Subscriber, tokio::task::JoinHandle<u64>) {
    let request = CreateJobRequest { kind: "steady".to_owned(), ..CreateJobRequest::default() };
    let job = core.jobs().create_job(request).await.unwrap().into_inner().job.unwrap();
    let topic = format!("job:{}", job.job_id);
    let first = read_log(&core.broadcast(), &topic).await.remove(0);
    let from = (first.offset, first.cursor);
    let watcher = Subscriber::spawn_after(core.broadcast(), &topic, "watcher of the job", from);
    let worker = Worker::new("steady-worker", core.jobs());
    let jobs = core.jobs();
    let work = tokio::spawn(async move {
        let assignment = worker.lease("steady").await;
        let mut number = 0;
        let mut written = String::new();
        while !end.is_cancelled() {
            number += 1;
            let line = format!("line {number}\n");
            worker.report_through(output(&assignment, number, written.len() as u64, &line)).await;
            written.push_str(&line);
            number += 1;
            let percent = (number as f64 / 100.0).min(99.0);
            worker.report_through(progress(&assignment, number, percent)).await;
        }
        number += 1;
        worker.report_through(completed(&assignment, number)).await;
        let read = ReadJobOutputRequest {
            job_id: job.job_id,
            max_bytes: 1 << 20,
            ..ReadJobOutputRequest::default()
        };
        let read = jobs.clone().read_job_output(read).await.unwrap().into_inner();
        assert_eq!(String::from_utf8_lossy(&read.data), written, "each report exactly once");
        number
    });
    (topic, watcher, work)
}

/// Creates jobs and ends whatever it gets, through every kill. Answers the jobs' topics.
async fn work_on_short_jobs(jobs: Jobs, end: CancellationToken) -> Vec<String> {
    let worker = Worker::new("short-worker", jobs.clone());
    let mut topics = Vec::new();
    for number in 0_u64.. {
        let request = CreateJobRequest {
            kind: "short".to_owned(),
            idempotency_key: format!("short-{number}"),
            ..CreateJobRequest::default()
        };
        match jobs.clone().create_job(request).await {
            Ok(answer) => topics.push(format!("job:{}", answer.into_inner().job.unwrap().job_id)),
            Err(status) => assert!(is_outage(&status), "{status:?}"),
        }
        match worker.try_lease("short").await {
            Ok(Some(assignment)) => worker.report_through(completed(&assignment, 1)).await,
            Ok(None) => {}
            Err(status) => assert!(is_outage(&status), "{status:?}"),
        }
        if end.is_cancelled() {
            break;
        }
    }
    topics
}

async fn followed_to_the_end(core: &Core, subscriber: Subscriber) -> crate::checker::Stream {
    let stream = subscriber.complete();
    let log = read_log(&core.broadcast(), &stream.topic).await;
    let head = log.last().expect("a log with events").cursor.clone();
    eventually(&format!("{} is at the head", stream.who), async || {
        (subscriber.reached() == head).then_some(())
    })
    .await;
    subscriber.complete()
}

fn write_evidence(figures: &Figures) {
    let publishers = TOPICS * PUBLISHERS_OF_A_TOPIC;
    let subscribers = TOPICS * SUBSCRIBERS_OF_A_TOPIC;
    let title = "kill -9 of the core in the middle of publishing bursts";
    Evidence::of(title, "a_core_killed_in_the_middle_of_bursts")
        .row("kills", figures.kills)
        .row("publishers, subscribers, topics", format!("{publishers}, {subscribers}, {TOPICS}"))
        .row("events tried", figures.tried)
        .row("events acknowledged", figures.acked)
        .row("events in the logs at the end, the job's included", figures.logged)
        .row("events delivered to subscribers", figures.delivered)
        .row("jobs ended, each once", figures.ended_jobs)
        .row("reports of the job at work, each applied once", figures.reports)
        .row(
            "longest restart, process start to serving",
            format!("{:.0?}", figures.longest_restart),
        )
        .row("duration", format!("{:.0?}", figures.took))
        .row("contradictions found by the checker", 0)
        .write("kill-core");
}
