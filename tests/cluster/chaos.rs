//! Everything that can die dies, in an order that a seed decides, under sockets, publishers and workers;
//! and in the end nothing is lost, doubled or out of order, every job has ended once, and whoever is there
//! is there.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use roomcast_proto::v1::{GetRoomPresenceRequest, GetTopicRequest};

use super::load::Load;
use crate::checker::{Violation, check};
use crate::support::evidence::length;
use crate::support::log_reader::{read_log, read_log_by_rest};
use crate::support::{
    Balancer, Cluster, Comeback, Crowd, Edge, Evidence, Link, Manner, Recorder, admin, eventually,
    looked, within,
};

const ROOM: &str = "open";
const TOPIC: &str = "room:open";
const ROOMS: &str = "open = { presence = true }";
/// The order of the faults, unless `ROOMCAST_CHAOS_SEED` says another.
const SEED: u64 = 20_261;
/// What an edge counts that tells why a socket is not served.
const TOLD: [&str; 4] =
    ["roomcast_edge_joins", "roomcast_edge_refusals", "roomcast_edge_feeds", "roomcast_core_moves"];
/// All sockets are back and at the head after a fault, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    KillCore,
    PauseCore,
    KillEdge,
    PauseEdge,
    CutLink,
    KillRedis,
    RestartDatabase,
}

impl Fault {
    const ALL: [Fault; 7] = [
        Fault::KillCore,
        Fault::PauseCore,
        Fault::KillEdge,
        Fault::PauseEdge,
        Fault::CutLink,
        Fault::KillRedis,
        Fault::RestartDatabase,
    ];

    fn words(self) -> &'static str {
        match self {
            Fault::KillCore => "a core killed, and back",
            Fault::PauseCore => "a core stopped (SIGSTOP), and continued",
            Fault::KillEdge => "an edge killed, and back",
            Fault::PauseEdge => "an edge stopped, and continued",
            Fault::CutLink => "an edge cut off from one core",
            Fault::KillRedis => "Redis killed, and back",
            Fault::RestartDatabase => "PostgreSQL killed and started again",
        }
    }
}

/// Numbers that follow from a seed (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).expect("below the bound")
    }
}

/// Two cores and two edges, each edge with a link of its own to each core.
struct Stage {
    edges: [Edge; 2],
    links: [[Link; 2]; 2],
    door: Balancer,
    cluster: Cluster,
}

impl Stage {
    async fn start() -> Stage {
        let cluster = Cluster::start_with(2, &["--rooms", ROOMS]).await;
        let doors = [cluster.cores[0].address(), cluster.cores[1].address()];
        let links = [
            [Link::to(doors[0]).await, Link::to(doors[1]).await],
            [Link::to(doors[0]).await, Link::to(doors[1]).await],
        ];
        let cores = links.each_ref().map(|links| format!("{},{}", links[0].url(), links[1].url()));
        let edges = [Edge::start_at(&cores[0]).await, Edge::start_at(&cores[1]).await];
        let door = Balancer::start(&[edges[0].address(), edges[1].address()]).await;
        Stage { edges, links, door, cluster }
    }

    /// One fault, for so long, and mended again.
    async fn strike(&mut self, fault: Fault, chance: &mut Chance, lasts: Duration) {
        let (one, other) = (chance.below(2), chance.below(2));
        let pause = async || tokio::time::sleep(lasts).await;
        match fault {
            Fault::KillCore => {
                self.cluster.cores[one].kill();
                pause().await;
                self.cluster.cores[one].restart().await;
            }
            Fault::PauseCore => {
                self.cluster.cores[one].process().signal(Signal::SIGSTOP);
                pause().await;
                self.cluster.cores[one].process().signal(Signal::SIGCONT);
            }
            Fault::KillEdge => {
                self.edges[one].kill();
                pause().await;
                self.edges[one].restart().await;
            }
            Fault::PauseEdge => {
                self.edges[one].process().signal(Signal::SIGSTOP);
                pause().await;
                self.edges[one].process().signal(Signal::SIGCONT);
            }
            Fault::CutLink => {
                self.links[one][other].cut();
                pause().await;
                self.links[one][other].mend();
            }
            Fault::KillRedis => {
                self.cluster.redis.server.kill();
                pause().await;
                self.cluster.redis.server.restart();
            }
            Fault::RestartDatabase => self.cluster.database.kill_and_restart(),
        }
    }

    async fn head(&self) -> (u64, String) {
        let request = GetTopicRequest { topic: TOPIC.to_owned(), ..GetTopicRequest::default() };
        let head = eventually("a core tells the head", async || {
            self.cluster.cores[0].broadcast().get_topic(request.clone()).await.ok()
        });
        let head = head.await.into_inner();
        (head.head_offset, head.head)
    }

    /// What edges and cores say of themselves.
    async fn account(&self) -> String {
        let mut account = String::new();
        for (number, edge) in self.edges.iter().enumerate() {
            let page = edge.rest(&admin("root")).try_get("/metrics").await;
            let page = page.map_or_else(|| "does not answer".to_owned(), |page| page.text);
            let told = page.lines().filter(|line| TOLD.iter().any(|name| line.starts_with(name)));
            let told: Vec<&str> = told.collect();
            account += &format!("edge {number}:\n{}\n", told.join("\n"));
        }
        for core in 0..self.cluster.cores.len() {
            account += &format!("core {core}: {:?}\n", self.cluster.readiness(core).await);
        }
        account
    }

    /// On how many connections the crowd is in the room, as each core says.
    async fn present(&self) -> Vec<u32> {
        let mut present = Vec::new();
        for core in &self.cluster.cores {
            let request = GetRoomPresenceRequest { room: ROOM.to_owned(), ..Default::default() };
            let answer = core.broadcast().get_room_presence(request).await;
            let users = answer.map(|answer| answer.into_inner().participants).unwrap_or_default();
            present.push(users.iter().map(|user| user.connections).sum());
        }
        present
    }
}

/// Each fault once, in an order by chance.
fn script(chance: &mut Chance) -> Vec<Fault> {
    let mut left = Fault::ALL.to_vec();
    let mut script = Vec::new();
    while !left.is_empty() {
        script.push(left.swap_remove(chance.below(left.len())));
    }
    script
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_dies_nothing_is_lost_doubled_or_out_of_order_and_every_job_ends_once() {
    let (sockets, lasts) = length((60, Duration::from_secs(2)), (500, Duration::from_secs(10)));
    let time = length(Duration::ZERO, Duration::from_secs(600));
    let seed = std::env::var("ROOMCAST_CHAOS_SEED").ok().and_then(|seed| seed.parse().ok());
    let mut chance = Chance(seed.unwrap_or(SEED));
    let mut stage = Stage::start().await;
    let recorder = Recorder::new();
    let manner = Manner {
        door: stage.door.address(),
        topic: TOPIC.to_owned(),
        after: stage.head().await,
        comeback: Comeback::Spread,
        receive_buffer: None,
    };
    let crowd = Crowd::gather(sockets, manner).await;
    let load = Load::begin(&stage.cluster.client(), &recorder, TOPIC);
    eventually("events flow", async || (crowd.received() > 5 * sockets).then_some(())).await;

    let began = Instant::now();
    let mut silences: BTreeMap<Fault, Vec<Duration>> = BTreeMap::new();
    loop {
        for fault in script(&mut chance) {
            crowd.listen_closely();
            stage.strike(fault, &mut chance, lasts).await;
            let (_, head) = stage.head().await;
            let are_back = looked(PATIENCE, async || {
                (crowd.are_past(&head) && crowd.count(|one| one.is_in) == sockets).then_some(())
            });
            if are_back.await.is_none() {
                let (crowd, stage) = (crowd.stragglers(&head), stage.account().await);
                panic!("{PATIENCE:?} after {fault:?} {crowd}\n{stage}");
            }
            let silence = crowd.longest_silence();
            println!("{fault:?}: {silence:.1?} without data");
            silences.entry(fault).or_default().push(silence);
        }
        if began.elapsed() >= time {
            break;
        }
    }
    let faults: usize = silences.values().map(Vec::len).sum();
    judge(&stage, &crowd, load, &recorder, sockets, (faults, silences)).await;
}

async fn judge(
    stage: &Stage,
    crowd: &Crowd,
    load: Load,
    recorder: &Recorder,
    sockets: usize,
    (faults, silences): (usize, BTreeMap<Fault, Vec<Duration>>),
) {
    let (events, jobs) = load.made();
    let topics = load.finish().await;
    let everybody = u32::try_from(sockets).expect("a small number");
    within(PATIENCE, "everybody is there, whichever core is asked", async || {
        stage.present().await.iter().all(|present| *present == everybody).then_some(())
    })
    .await;
    let mut history = recorder.history();
    let log = read_log_by_rest(&stage.edges[0].rest(&admin("root")), TOPIC).await;
    crowd.all_at(&log.last().expect("events").cursor).await;
    history.logs.insert(TOPIC.to_owned(), log);
    for topic in &topics {
        let log = read_log(&stage.cluster.cores[0].broadcast(), topic).await;
        assert!(log.last().is_some_and(|event| event.is_end), "{topic} has not ended");
        history.logs.insert(topic.clone(), log);
    }
    history.streams = crowd.streams();
    let mut violations = check(&history);
    // Who is there is told by no publisher.
    violations.retain(|violation| {
        !matches!(violation, Violation::Invented { content, .. } if content.starts_with("presence "))
    });
    assert_eq!(violations, []);
    let mut page = Evidence::of("Everything that can die", "whatever_dies")
        .row("cores, edges", "2, 2")
        .row("sockets", sockets)
        .row("events acknowledged", events)
        .row("jobs, each ended once", jobs)
        .row("faults", faults);
    for (fault, silences) in silences {
        let mut all = silences;
        all.sort_unstable();
        let longest = all.last().copied().unwrap_or_default();
        let median = all.get(all.len() / 2).copied().unwrap_or_default();
        page = page.row(
            &format!("{}: longest time without data of any socket", fault.words()),
            format!("{} times: median {median:.1?}, longest {longest:.1?}", all.len()),
        );
    }
    page.row("contradictions found by the checker", 0).write("cluster-chaos");
}
