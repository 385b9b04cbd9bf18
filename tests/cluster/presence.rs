//! Who is there, with several cores: the same from any, and nobody flickers when an edge moves.

use std::time::Duration;

use roomcast_proto::v1::{GetRoomPresenceRequest, GetTopicRequest};

use crate::support::log_reader::read_log;
use crate::support::{
    Cluster, Comeback, Core, Crowd, Edge, Manner, Way, admin, admin_of, eventually, within,
};

const ROOM: &str = "open";
const TOPIC: &str = "room:open";
const ROOMS: &str = "open = { presence = true }";
const SOCKETS: u32 = 4;
/// A lease, and what the takeover of one takes on a machine that is busy.
const LEASE: Duration = Duration::from_secs(15);
const PATIENCE: Duration = Duration::from_secs(60);

async fn start() -> (Cluster, [Edge; 2]) {
    let cluster = Cluster::start_with(2, &["--rooms", ROOMS]).await;
    let both = format!("{},{}", cluster.cores[0].url(), cluster.cores[1].url());
    let edges = [Edge::start_at(&both).await, Edge::start_at(&both).await];
    (cluster, edges)
}

/// Sockets in the room, of one user.
async fn gather(cluster: &Cluster, edge: &Edge) -> Crowd {
    let request = GetTopicRequest { topic: TOPIC.to_owned(), ..GetTopicRequest::default() };
    let head = cluster.cores[0].broadcast().get_topic(request).await.unwrap().into_inner();
    let manner = Manner {
        door: edge.address(),
        topic: TOPIC.to_owned(),
        after: (head.head_offset, head.head),
        comeback: Comeback::Spread,
        receive_buffer: None,
    };
    Crowd::gather(SOCKETS as usize, manner).await
}

/// On how many connections the user is in the room, as a core says.
async fn connections(core: &Core) -> Option<u32> {
    let request =
        GetRoomPresenceRequest { room: ROOM.to_owned(), ..GetRoomPresenceRequest::default() };
    let answer = core.broadcast().get_room_presence(request).await.ok()?.into_inner();
    Some(answer.participants.iter().map(|participant| participant.connections).sum())
}

async fn all_say(cores: &[&Core], wanted: u32) {
    for core in cores {
        within(PATIENCE, &format!("{wanted} connections are in the room"), async || {
            (connections(core).await == Some(wanted)).then_some(())
        })
        .await;
    }
}

/// Totals of `/websocket/stats`: of the edge that is asked, and of the cluster.
async fn totals(edge: &Edge) -> (u64, u64) {
    let rest = edge.rest(&admin("root"));
    let here = rest.get("/websocket/stats").await.ok(200);
    let all = rest.get("/websocket/stats?scope=cluster").await.ok(200);
    let total = |stats: &serde_json::Value| stats["total_connections"].as_u64().expect("a number");
    (total(&here), total(&all))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_that_moves_to_another_core_takes_its_users_along_without_an_event() {
    let (mut cluster, edges) = start().await;
    let _crowd = gather(&cluster, &edges[0]).await;
    all_say(&[&cluster.cores[0], &cluster.cores[1]], SOCKETS).await;
    let before = read_log(&cluster.cores[0].broadcast(), TOPIC).await;
    // Whichever is its home, it is driven away once, and cannot have returned by the second time.
    for core in 0..2 {
        cluster.cores[core].kill();
        all_say(&[&cluster.cores[1 - core]], SOCKETS).await;
        cluster.cores[core].restart().await;
    }
    // What was left behind at either core would be missed when its lease is over.
    tokio::time::sleep(LEASE + Duration::from_secs(5)).await;
    all_say(&[&cluster.cores[0], &cluster.cores[1]], SOCKETS).await;
    assert_eq!(read_log(&cluster.cores[1].broadcast(), TOPIC).await, before, "nobody came or went");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_of_an_edge_that_is_killed_are_gone_with_its_lease_also_when_its_core_is() {
    let (mut cluster, mut edges) = start().await;
    let _staying = gather(&cluster, &edges[1]).await;
    let _going = gather(&cluster, &edges[0]).await;
    all_say(&[&cluster.cores[0], &cluster.cores[1]], 2 * SOCKETS).await;
    let all = u64::from(2 * SOCKETS);
    eventually("every edge tells of all", async || {
        let [one, other] = [totals(&edges[0]).await, totals(&edges[1]).await];
        (one == (all / 2, all) && other == (all / 2, all)).then_some(())
    })
    .await;
    let stats = edges[1].rest(&admin("root")).get("/websocket/stats?scope=cluster").await.ok(200);
    assert_eq!(stats["edges"].as_array().map(Vec::len), Some(2), "{stats}");
    let elsewhere = edges[1].rest(&admin_of("other", "root"));
    let hidden = elsewhere.get("/websocket/stats?scope=cluster").await.ok(200);
    assert_eq!(hidden["total_connections"], 0, "another tenant's connections are hidden");
    // One of the two was its home.
    edges[0].kill();
    cluster.cores[0].kill();
    all_say(&[&cluster.cores[1]], SOCKETS).await;
    eventually("the other edge's connections alone are left", async || {
        (totals(&edges[1]).await == (all / 2, all / 2)).then_some(())
    })
    .await;
    cluster.cores[0].restart().await;
    // Its sockets come back by themselves.
    edges[0].restart().await;
    all_say(&[&cluster.cores[0], &cluster.cores[1]], 2 * SOCKETS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_whose_core_lost_the_database_beyond_their_lease_are_back_with_it() {
    let cluster = Cluster::start_with(1, &["--rooms", ROOMS]).await;
    let way = Way::to(&cluster.database);
    let (store, bus) = (way.url(), cluster.redis.url());
    let lonely = Core::start_with(&["--store", &store, "--bus", &bus, "--rooms", ROOMS]).await;
    // It has nowhere else to go.
    let edge = Edge::start_at(&lonely.url()).await;
    let _crowd = gather(&cluster, &edge).await;
    all_say(&[&cluster.cores[0], &lonely], SOCKETS).await;
    way.cut();
    all_say(&[&cluster.cores[0]], 0).await;
    way.mend();
    all_say(&[&cluster.cores[0], &lonely], SOCKETS).await;
    tokio::time::sleep(LEASE).await;
    all_say(&[&cluster.cores[0], &lonely], SOCKETS).await;
}
