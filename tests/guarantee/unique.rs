//! 4. Unique.

use serde_json::{Value, json};

use crate::support::{Clients, Socket, System, admin, user};

const CONNECTIONS: u64 = 6;
const EVENTS_OF_A_CONNECTION: u64 = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unique_a_client_that_comes_back_again_and_again_gets_no_event_twice() {
    let system = System::start().await;
    let root = system.edge.rest(&admin("root"));
    let node = Clients::node().await;
    let mut cursor = root.get("/topics/room:open").await.ok(200)["head"].clone();
    let mut received = Vec::new();
    for connection in 0..CONNECTIONS {
        let options = json!({ "cursors": { "room:open": cursor } });
        let socket = node.connect_with(&system.edge.url(), Some(&user("ana")), options);
        let first = connection * EVENTS_OF_A_CONNECTION;
        // The first half before the client is back, the other after.
        for n in first..first + EVENTS_OF_A_CONNECTION {
            let event = json!({ "type": "n", "data": { "n": n } });
            root.post("/topics/room:open/events", &event).await.ok(201);
            if n == first + EVENTS_OF_A_CONNECTION / 2 {
                socket.event("connected").await;
            }
        }
        let last = first + EVENTS_OF_A_CONNECTION - 1;
        cursor = socket.event_where("n", |payload| payload["n"] == last).await["cursor"].clone();
        received.extend(numbers(&socket));
        socket.disconnect();
    }
    let all: Vec<u64> = (0..CONNECTIONS * EVENTS_OF_A_CONNECTION).collect();
    assert_eq!(received, all);
}

fn numbers(socket: &Socket) -> Vec<u64> {
    let number = |(_, payload): (String, Value)| payload["n"].as_u64();
    socket.events().into_iter().filter_map(number).collect()
}
