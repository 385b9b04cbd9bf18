//! What goes past Socket.IO's own queues stands in one order with what goes through them.

use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::support::worker::output;
use crate::support::{
    Clients, Observation, Rest, Socket, System, Worker, admin, eventually, lane_is_on, user,
};

const EVENTS: u64 = 60;
const ROOM_EVENTS: &str = "/topics/room:open/events";
const ROUNDS: usize = 25;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_upgraded_meanwhile_gets_every_event_once_and_in_order() {
    let system = System::start().await;
    let root = system.edge.rest(&admin("root"));
    let head = root.get("/topics/room:open").await.ok(200)["head"].clone();
    let options =
        json!({ "transports": ["polling", "websocket"], "cursors": { "room:open": head } });
    let node = Clients::node().await;
    let sockets: Vec<Socket> = (0..8)
        .map(|_| node.connect_with(&system.edge.url(), Some(&user("ana")), options.clone()))
        .collect();
    for n in 0..EVENTS {
        root.post(ROOM_EVENTS, &json!({ "type": "n", "data": { "n": n } })).await.ok(201);
    }
    for socket in &sockets {
        socket.event_where("n", |payload| payload["n"] == EVENTS - 1).await;
        let numbers = socket.events().into_iter().filter_map(|(_, payload)| payload["n"].as_u64());
        assert_eq!(numbers.collect::<Vec<_>>(), (0..EVENTS).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_events_take_the_lane_where_there_is_one() {
    let system = System::start().await;
    let root = system.edge.rest(&admin("root"));
    let head = root.get("/topics/room:open").await.ok(200)["head"].clone();
    let node = Clients::node().await;
    for transports in [json!(["websocket"]), json!(["polling", "websocket"]), json!(["polling"])] {
        let options = json!({ "transports": transports, "cursors": { "room:open": head } });
        let socket = node.connect_with(&system.edge.url(), Some(&user("ana")), options);
        socket.connected().await;
        let live = live_deliveries(&root).await;
        let is_lane = transports != json!(["polling"]) && lane_is_on();
        let mut n = 0;
        eventually("the expected path", async || {
            n += 1;
            let event = json!({ "type": "n", "data": { "n": n } });
            root.post(ROOM_EVENTS, &event).await.ok(201);
            socket.event_where("n", |payload| payload["n"] == n).await;
            ((live_deliveries(&root).await > live) == is_lane && n > 3).then_some(())
        })
        .await;
        socket.disconnect();
    }
}

async fn live_deliveries(root: &Rest) -> f64 {
    let metrics = root.get("/metrics").await.text;
    let line = metrics
        .lines()
        .find(|line| line.starts_with(r#"roomcast_edge_deliveries_total{path="live"}"#));
    line.map_or(0.0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topics_events_come_after_the_ack_of_its_join_and_never_after_that_of_its_leave() {
    let system = System::start().await;
    let root = system.edge.rest(&admin("root"));
    let job = root.post("/jobs", &json!({ "kind": "written", "owner": "ana" })).await.ok(201);
    let job = json!({ "job_id": job["job_id"] });
    let end = CancellationToken::new();
    let writing = tokio::spawn(write(Worker::new("writer", system.core.jobs()), end.clone()));
    let clients = Clients::node().await;
    let socket = clients.stay_connected(&system.edge.url(), Some(&user("ana")));
    socket.connected().await;
    for round in 0..ROUNDS {
        assert_eq!(socket.ask("join_job", &job).await["ok"], true);
        let seen = outputs(&socket);
        eventually("some events", async || (outputs(&socket) > seen + round % 3).then_some(()))
            .await;
        assert_eq!(socket.ask("leave_job", &job).await["ok"], true);
    }
    end.cancel();
    writing.await.unwrap();
    let mut is_joined = false;
    for observation in socket.observations() {
        match observation {
            Observation::Ack { .. } => is_joined = !is_joined,
            Observation::Event { name, .. } if name == "job_output" => assert!(is_joined),
            _ => {}
        }
    }
}

fn outputs(socket: &Socket) -> usize {
    socket.events().iter().filter(|(name, _)| name == "job_output").count()
}

/// Writes lines until told to end.
async fn write(worker: Worker, end: CancellationToken) {
    let held = worker.lease("written").await;
    let mut written = 0;
    for number in 1.. {
        if end.is_cancelled() {
            return;
        }
        let line = format!("line {number}\n");
        worker.report(output(&held, number, written, &line)).await.unwrap();
        written += line.len() as u64;
    }
}
