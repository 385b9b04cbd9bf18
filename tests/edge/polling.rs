//! A client that has nothing but polling sees the same as one with a WebSocket.

use serde_json::{Value, json};

use crate::support::worker::{completed, output};
use crate::support::{Clients, System, Worker, user};

const LINES: u64 = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_polling_client_gets_every_event_of_a_job_in_order() {
    let system = System::start().await;
    let ana = user("ana");
    let job = system.edge.rest(&ana).post("/jobs", &json!({ "kind": "polled" })).await.ok(201);
    let options = json!({ "transports": ["polling"] });
    let libraries = [Clients::node().await, Clients::python().await];
    let sockets = libraries
        .map(|clients| clients.connect_with(&system.edge.url(), Some(&ana), options.clone()));
    for socket in &sockets {
        assert_eq!(socket.connected().await, "polling");
        let answer = socket.ask("join_job", &json!({ "job_id": job["job_id"] })).await;
        assert_eq!(answer["ok"], true, "{answer}");
    }
    let worker = Worker::new("w", system.core.jobs());
    let held = worker.lease("polled").await;
    let mut written = String::new();
    for number in 1..=LINES {
        let line = format!("line {number}\n");
        worker.report(output(&held, number, written.len() as u64, &line)).await.unwrap();
        written.push_str(&line);
    }
    worker.report(completed(&held, LINES + 1)).await.unwrap();
    for socket in &sockets {
        socket.event_where("job_update", |update| update["status"] == "completed").await;
        let wrote = |(name, payload): (String, Value)| {
            (name == "job_output").then(|| payload["data"].as_str().unwrap().to_owned())
        };
        let received: String = socket.events().into_iter().filter_map(wrote).collect();
        assert_eq!(received, written);
    }
}
