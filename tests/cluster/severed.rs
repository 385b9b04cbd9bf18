//! A core that is cut from its database and from nothing else: whoever calls it and Redis still reach it,
//! and the other core is well.

use std::time::{Duration, Instant};

use roomcast_proto::v1::{CreateJobRequest, GetJobRequest, GetTopicRequest, JobState};
use tokio_util::sync::CancellationToken;

use super::load::Load;
use crate::checker::{Entry, History, Outcome, Publish, check};
use crate::support::log_reader::{read_log, read_log_by_rest};
use crate::support::recorder::{publish_request, publisher};
use crate::support::worker::{completed, progress};
use crate::support::{
    Broadcast, Cluster, Comeback, Core, Crowd, Edge, Manner, Recorder, Subscriber, Worker, admin,
    code, eventually, within,
};

const TOPIC: &str = "room:open";
/// Where those publish who go to whichever core they find.
const OTHER_TOPIC: &str = "room:news";
const KIND: &str = "render";
const SOCKETS: usize = 5;
/// The four seconds in which a core notices it, and as much again for a machine that is busy.
const LEFT_WITHIN: Duration = Duration::from_secs(8);
/// Sockets may be told nothing once their edge has heard nothing of rights for four seconds.
const SILENCE_MAX: Duration = Duration::from_secs(4);
/// By when whoever waits for a commit is told, and a moment for a machine that is busy.
const TOLD_WITHIN: Duration = Duration::from_secs(45);
/// A refusal that waits for nothing.
const AT_ONCE: Duration = Duration::from_secs(1);
/// A core that serves again is gone back to 5 to 20 s later.
const BACK_WITHIN: Duration = Duration::from_secs(40);

/// The core at which an edge lives.
async fn home(edge: &Edge) -> Option<usize> {
    let ready = edge.rest(&admin("root")).try_get("/readyz?verbose").await?.json();
    ready["cores"].as_array()?.iter().position(|core| core["home"] == true)
}

/// An edge that lives at either core.
async fn edge(cluster: &Cluster) -> Edge {
    let urls: Vec<String> = cluster.cores.iter().map(Core::url).collect();
    Edge::start_at(&urls.join(",")).await
}

async fn gather(cluster: &Cluster, edge: &Edge) -> Crowd {
    let request = GetTopicRequest { topic: TOPIC.to_owned(), ..GetTopicRequest::default() };
    let head = cluster.cores[0].broadcast().get_topic(request).await.unwrap().into_inner();
    let (door, topic) = (edge.address(), TOPIC.to_owned());
    let after = (head.head_offset, head.head);
    let manner = Manner { door, topic, after, comeback: Comeback::Spread, receive_buffer: None };
    Crowd::gather(SOCKETS, manner).await
}

/// An event that is asked of the core that is cut off, which says why it does not take it; so it is
/// published at the other one, with the same key.
async fn refused_here_and_taken_there(
    recorder: Recorder,
    (here, there): (Broadcast, Broadcast),
    who: &str,
) -> Duration {
    let (topic, content) = (TOPIC.to_owned(), format!(r#"{{"by":"{who}"}}"#));
    let request = publish_request(&topic, &content, who);
    let (began, started_at) = (Instant::now(), recorder.now());
    let asked = tokio::time::timeout(TOLD_WITHIN, here.clone().publish(request.clone())).await;
    let refused = asked.unwrap_or_else(|_| panic!("{who} is told nothing")).unwrap_err();
    assert_eq!(code(&refused), "storage_unavailable", "{who}");
    let waited = began.elapsed();
    let answer = there.clone().publish(request).await.expect("it is well").into_inner();
    let event = answer.published.expect("a published event");
    let outcome = Outcome::Acked { at: recorder.now(), offset: event.offset, cursor: event.cursor };
    recorder.published(Publish { topic, content, started_at, outcome });
    waited
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_core_that_is_cut_from_its_database_is_left_loses_nothing_and_takes_part_again() {
    let (ways, cluster) = Cluster::start_apart(2).await;
    let edge = edge(&cluster).await;
    let crowd = gather(&cluster, &edge).await;
    let cut = eventually("the edge lives at a core", async || home(&edge).await).await;
    let well = 1 - cut;
    let [here, there] = [cut, well].map(|core| cluster.cores[core].broadcast());
    let (recorder, end) = (Recorder::new(), CancellationToken::new());
    let names = (TOPIC.to_owned(), "well".to_owned());
    let publishing = tokio::spawn(publisher(recorder.clone(), there.clone(), names, end.clone()));
    let load = Load::begin(&cluster.client(), &recorder, OTHER_TOPIC);
    let subscribers = [
        Subscriber::spawn(here.clone(), TOPIC, "who stays at the core that is cut off").await,
        Subscriber::spawn(there.clone(), TOPIC, "who is at the other core").await,
    ];
    let flowing = crowd.received() + 10 * SOCKETS;
    eventually("events flow", async || (crowd.received() > flowing).then_some(())).await;

    crowd.listen_closely();
    ways[cut].database.cut();
    let both = (here.clone(), there.clone());
    let caught = tokio::spawn(refused_here_and_taken_there(recorder.clone(), both, "caught"));
    within(LEFT_WITHIN, "the edge lives at the well core", async || {
        (home(&edge).await == Some(well)).then_some(())
    })
    .await;
    let (status, said) = cluster.readiness(cut).await.expect("it answers those who look");
    assert!(status == 503 && said.contains("bus: up"), "{status}: {said}");
    assert_eq!(cluster.leader().await, well);
    let waited = caught.await.expect("no panic");
    println!("who was caught was told after {waited:.1?}");
    let silence = crowd.longest_silence();
    assert!(silence < SILENCE_MAX, "{silence:?} without data");
    let both = (here.clone(), there.clone());
    let waited = refused_here_and_taken_there(recorder.clone(), both, "later").await;
    assert!(waited < AT_ONCE, "it is known by then: {waited:?}");

    ways[cut].database.mend();
    takes_part_again(&cluster, cut, &recorder).await;
    within(BACK_WITHIN, "the edge is back", async || {
        (home(&edge).await == Some(cut)).then_some(())
    })
    .await;
    end.cancel();
    publishing.await.expect("no panic");
    sockets_missed_nothing(&edge, &crowd).await;
    all_is_there_once((&cluster, &edge), load, &recorder, subscribers).await;
}

/// By itself: nobody has told it anything.
async fn takes_part_again(cluster: &Cluster, cut: usize, recorder: &Recorder) {
    eventually("the core is ready", async || {
        cluster.readiness(cut).await.filter(|(status, _)| *status == 200)
    })
    .await;
    cluster.all_say("up").await;
    let (topic, content) = (TOPIC.to_owned(), r#"{"by":"healed"}"#.to_owned());
    let (request, started_at) = (publish_request(&topic, &content, "healed"), recorder.now());
    let answer = cluster.cores[cut].broadcast().publish(request).await.expect("it is healed");
    let event = answer.into_inner().published.expect("a published event");
    let outcome = Outcome::Acked { at: recorder.now(), offset: event.offset, cursor: event.cursor };
    recorder.published(Publish { topic, content, started_at, outcome });
}

/// Every socket has everything once, and was told of nothing.
async fn sockets_missed_nothing(edge: &Edge, crowd: &Crowd) {
    let log = read_log_by_rest(&edge.rest(&admin("root")), TOPIC).await;
    crowd.all_at(&log.last().expect("events").cursor).await;
    let logs = [(TOPIC.to_owned(), log)].into();
    let history = History { logs, streams: crowd.streams(), ..History::default() };
    assert_eq!(check(&history), []);
    assert_eq!(crowd.count(|record| record.losses > 0), 0, "no socket was ended");
    assert_eq!(crowd.told(), Vec::<String>::new(), "and none was told of it");
}

/// What was published is there once, in the order in which those at the cores had it, and jobs ended once.
async fn all_is_there_once(
    (cluster, edge): (&Cluster, &Edge),
    load: Load,
    recorder: &Recorder,
    subscribers: [Subscriber; 2],
) {
    let jobs = load.finish().await;
    assert!(!jobs.is_empty(), "jobs were created");
    let (mut history, here) = (recorder.history(), cluster.cores[0].broadcast());
    let log = read_log(&here, TOPIC).await;
    let head = log.last().expect("events").cursor.clone();
    eventually("subscribers are at the head", async || {
        subscribers.iter().all(|one| one.reached() == head).then_some(())
    })
    .await;
    history.logs.insert(TOPIC.to_owned(), log);
    let log = read_log_by_rest(&edge.rest(&admin("root")), OTHER_TOPIC).await;
    history.logs.insert(OTHER_TOPIC.to_owned(), log);
    for topic in &jobs {
        let log = read_log(&here, topic).await;
        assert_eq!(log.iter().filter(|event| event.is_end).count(), 1, "{topic} ends once");
        history.logs.insert(topic.clone(), log);
    }
    history.streams = subscribers.iter().map(Subscriber::complete).collect();
    let is_reset = |entry: &Entry| matches!(entry, Entry::Reset { .. });
    let are_reset = history.streams.iter().any(|stream| stream.entries.iter().any(is_reset));
    assert!(!are_reset, "nobody begins anew");
    assert_eq!(check(&history), []);
}

async fn create(core: &Core) -> String {
    let request = CreateJobRequest { kind: KIND.to_owned(), ..CreateJobRequest::default() };
    core.jobs().create_job(request).await.unwrap().into_inner().job.expect("a job").job_id
}

/// What a worker says over a core that is cut off reaches the database late, or never: its job is another's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_workers_core_is_cut_from_its_database_ends_once_and_at_another_core() {
    let (ways, cluster) = Cluster::start_apart(2).await;
    let job_id = create(&cluster.cores[0]).await;
    let stuck = Worker::new("stuck", cluster.cores[0].jobs());
    let held = stuck.lease(KIND).await;
    stuck.report(progress(&held, 1, 10.0)).await.unwrap();
    ways[0].database.cut();
    let late = tokio::spawn({
        let (stuck, report) = (stuck.clone(), completed(&held, 2));
        async move { stuck.report(report).await }
    });
    let next = Worker::new("next", cluster.cores[1].jobs());
    let taken = next.lease(KIND).await;
    assert_eq!(taken.job.as_ref().expect("a job").job_id, job_id);
    assert!(taken.fence > held.fence, "it is another attempt");
    next.report(completed(&taken, 1)).await.unwrap();
    ways[0].database.mend();
    let refused = late.await.expect("no panic").unwrap_err();
    let is_clear = ["fenced", "job_ended", "storage_unavailable"].contains(&code(&refused));
    assert!(is_clear, "{refused:?}");
    // Again, once its core serves.
    eventually("the late report is refused for good", async || {
        let refused = stuck.report(completed(&held, 2)).await.unwrap_err();
        ["fenced", "job_ended"].contains(&code(&refused)).then_some(())
    })
    .await;
    for core in &cluster.cores {
        let request = GetJobRequest { job_id: job_id.clone() };
        let job = core.jobs().get_job(request).await.unwrap().into_inner().job.expect("a job");
        assert_eq!((job.state(), job.attempt), (JobState::Completed, 2));
    }
    let log = read_log(&cluster.cores[0].broadcast(), &format!("job:{job_id}")).await;
    assert_eq!(log.iter().filter(|event| event.is_end).count(), 1, "{log:?}");
}
