//! SIGTERM: say so, finish, go.

use std::time::Duration;

use nix::sys::signal::Signal;
use roomcast_proto::v1::WatchTopicRequest;
use serde_json::json;

use crate::support::{Clients, System, eventually, user};

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draining_core_ends_its_streams_and_itself() {
    let mut system = System::start().await;
    let request =
        WatchTopicRequest { topic: "room:open".to_owned(), ..WatchTopicRequest::default() };
    let mut frames = system.core.broadcast().watch_topic(request).await.unwrap().into_inner();
    assert!(frames.message().await.unwrap().is_some());
    system.core.process().signal(Signal::SIGTERM);
    while let Ok(Some(_)) = frames.message().await {}
    assert!(system.core.process().ended(PATIENCE).await.success());
    let rest = system.edge.rest(&user("ana"));
    eventually("the edge waits for another", async || {
        (rest.get("/readyz").await.status == 503).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draining_edge_says_goodbye_and_its_clients_come_back_to_the_next() {
    let mut system = System::start().await;
    let clients = Clients::node().await;
    let socket = clients.stay_connected(&system.edge.url(), Some(&user("ana")));
    socket.connected().await;
    system.edge.process().signal(Signal::SIGTERM);
    let closing = socket.event("closing").await;
    assert_eq!(closing["reason"], "draining");
    assert!(closing["retry_after_ms"].is_number());
    assert!(system.edge.process().ended(PATIENCE).await.success());
    system.edge.restart().await;
    eventually("the client is back", async || (socket.times("connect") == 2).then_some(())).await;
    assert_eq!(socket.ask("ping", &json!({})).await["ok"], true);
}
