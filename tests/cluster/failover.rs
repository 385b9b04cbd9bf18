//! An edge and a worker whose core dies, stands still or is cut off go on at another one.

use std::net::SocketAddr;
use std::time::Duration;

use nix::sys::signal::Signal;
use roomcast_client::worker::Completion;
use roomcast_proto::v1::{CreateJobRequest, GetJobRequest, GetTopicRequest, JobState};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::checker::check;
use crate::support::log_reader::read_log;
use crate::support::recorder::{publish_request, publisher};
use crate::support::{Cluster, Comeback, Core, Crowd, Edge, Link, Manner, Recorder, eventually};

const TOPIC: &str = "room:open";
const SOCKETS: usize = 5;
/// How long a fault lasts: what only goes on when it is over was without data for so long.
const FAULT: Duration = Duration::from_secs(6);
/// The two seconds in which a core is left, and as much again for a machine that is busy.
const SILENCE_MAX: Duration = Duration::from_secs(4);

#[derive(Debug, Clone, Copy)]
enum Fault {
    Kill,
    Pause,
    Cut,
}

impl Fault {
    async fn strike(self, core: &mut Core, link: &Link) {
        match self {
            Fault::Kill => core.kill(),
            Fault::Pause => core.process().signal(Signal::SIGSTOP),
            Fault::Cut => link.cut(),
        }
        tokio::time::sleep(FAULT).await;
    }

    async fn mend(self, core: &mut Core, link: &Link) {
        match self {
            Fault::Kill => drop(core.restart().await),
            Fault::Pause => core.process().signal(Signal::SIGCONT),
            Fault::Cut => link.mend(),
        }
    }
}

/// From where the topic stands.
async fn manner(cluster: &Cluster, door: SocketAddr) -> Manner {
    let request = GetTopicRequest { topic: TOPIC.to_owned(), ..GetTopicRequest::default() };
    let head = cluster.cores[0].broadcast().get_topic(request).await.unwrap().into_inner();
    let (topic, after) = (TOPIC.to_owned(), (head.head_offset, head.head));
    Manner { door, topic, after, comeback: Comeback::Spread, receive_buffer: None }
}

/// An edge lives at one of two cores. Each is struck in turn, so one of them is its home.
async fn an_edge_goes_on(fault: Fault) {
    let mut cluster = Cluster::start(2).await;
    let links =
        [Link::to(cluster.cores[0].address()).await, Link::to(cluster.cores[1].address()).await];
    let edge = Edge::start_at(&format!("{},{}", links[0].url(), links[1].url())).await;
    let crowd = Crowd::gather(SOCKETS, manner(&cluster, edge.address()).await).await;
    let (recorder, end) = (Recorder::new(), CancellationToken::new());
    let mut publishers = JoinSet::new();
    for (number, core) in cluster.cores.iter().enumerate() {
        let names = (TOPIC.to_owned(), format!("publisher-{number}"));
        publishers.spawn(publisher(recorder.clone(), core.broadcast(), names, end.clone()));
    }
    for (number, (core, link)) in cluster.cores.iter_mut().zip(&links).enumerate() {
        let flowing = crowd.received() + 10 * SOCKETS;
        eventually("events flow", async || (crowd.received() > flowing).then_some(())).await;
        crowd.listen_closely();
        fault.strike(core, link).await;
        let silence = crowd.longest_silence();
        fault.mend(core, link).await;
        assert!(silence < SILENCE_MAX, "{fault:?} of core {number}: {silence:?} without data");
    }
    end.cancel();
    while let Some(ended) = publishers.join_next().await {
        ended.expect("no panic");
    }
    let mut history = recorder.history();
    let log = read_log(&cluster.cores[0].broadcast(), TOPIC).await;
    crowd.all_at(&log.last().expect("events").cursor).await;
    history.logs.insert(TOPIC.to_owned(), log);
    assert_eq!(check(&history), []);
    assert_eq!(crowd.count(|record| record.losses > 0), 0, "no socket was ended");
    assert_eq!(crowd.told(), Vec::<String>::new(), "and none was told of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_goes_on_at_another_core_within_two_seconds_of_its_cores_death() {
    an_edge_goes_on(Fault::Kill).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_goes_on_at_another_core_within_two_seconds_when_its_core_stands_still() {
    an_edge_goes_on(Fault::Pause).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_goes_on_at_another_core_within_two_seconds_when_it_is_cut_off() {
    an_edge_goes_on(Fault::Cut).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_that_come_while_no_core_answers_are_in_their_topics_once_one_does() {
    let mut cluster = Cluster::start(1).await;
    let edge = Edge::start(&cluster.cores[0]).await;
    let manner = manner(&cluster, edge.address()).await;
    cluster.cores[0].kill();
    let crowd = Crowd::gather(SOCKETS, manner).await;
    cluster.cores[0].restart().await;
    let request = publish_request(TOPIC, "{}", "one");
    let published = cluster.cores[0].broadcast().publish(request).await.unwrap().into_inner();
    crowd.all_at(&published.published.expect("an event").cursor).await;
    assert_eq!(crowd.count(|record| record.losses > 0), 0, "no socket was ended");
    assert_eq!(crowd.told(), Vec::<String>::new(), "and none had to ask again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_goes_on_at_another_core() {
    const KIND: &str = "render";
    let mut cluster = Cluster::start(2).await;
    let stop = CancellationToken::new();
    let worker = cluster.client().worker("w").handle(KIND, async |_| Ok(Completion::empty()));
    let working = tokio::spawn(worker.run(stop.clone()));
    for struck in 0..2 {
        let other = 1 - struck;
        cluster.cores[struck].kill();
        let request = CreateJobRequest { kind: KIND.to_owned(), ..CreateJobRequest::default() };
        let jobs = cluster.cores[other].jobs();
        let job = jobs.clone().create_job(request).await.unwrap().into_inner().job.unwrap();
        let request = GetJobRequest { job_id: job.job_id };
        eventually("the worker does a job of the core that is left", async || {
            let answer = jobs.clone().get_job(request.clone()).await.ok()?;
            (answer.into_inner().job?.state() == JobState::Completed).then_some(())
        })
        .await;
        cluster.cores[struck].restart().await;
    }
    stop.cancel();
    working.await.expect("no panic").expect("it was not refused");
}
