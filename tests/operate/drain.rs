//! SIGTERM: say so, finish, go.

use std::time::Duration;

use nix::sys::signal::Signal;
use roomcast_proto::v1::WatchTopicRequest;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Clients, Core, System, eventually, user};

const PATIENCE: Duration = Duration::from_secs(30);
/// What a client of HTTP/2 says first: the preface, and that it has no settings of its own.
const BEGINNING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// The server's acknowledgement of those settings: from then on it serves the connection.
const HEARD: &[u8] = b"\0\0\0\x04\x01\0\0\0\0";

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_again_does_not_wait_for_the_drain() {
    let mut core = Core::start_with(&["--drain-seconds", "300"]).await;
    // It is waited for as long as the drain may last.
    let _held = begun_and_silent(&core).await;
    core.process().signal(Signal::SIGTERM);
    eventually("it has ended", async || {
        core.process().signal(Signal::SIGINT);
        (!core.process().is_running()).then_some(())
    })
    .await;
    let status = core.process().ended(PATIENCE).await;
    assert_eq!(status.code(), Some(130), "as if the second signal had ended it: {status}");
}

/// A connection that is served, and says nothing more.
async fn begun_and_silent(core: &Core) -> TcpStream {
    let mut stream = TcpStream::connect(core.address()).await.unwrap();
    stream.write_all(BEGINNING).await.unwrap();
    let mut said = Vec::new();
    while !said.windows(HEARD.len()).any(|part| part == HEARD) {
        assert!(stream.read_buf(&mut said).await.unwrap() > 0, "it is cut off");
    }
    stream
}
