//! Whose pages may connect: on polling, on the WebSocket's handshake, and on REST alike.

use reqwest::Method;

use crate::support::{Answer, System, user};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_another_origin_is_refused_on_every_way_in_and_the_edges_own_is_not() {
    let system = System::start().await;
    let rest = system.edge.rest(&user("ana"));
    let own = system.edge.url();
    for path in [POLLING, WEBSOCKET, "/jobs"] {
        let ask = |origin: &str| {
            let request = rest.request(Method::GET, path).header("origin", origin);
            if path == WEBSOCKET { upgrade(request) } else { request }
        };
        for foreign in ["https://evil.example", "null", "http://127.0.0.1:1"] {
            let answer = Answer::of(ask(foreign)).await;
            assert_eq!((answer.status, answer.problem()), (403, "origin_not_allowed"), "{path}");
        }
        let welcome = ask(&own).send().await.unwrap().status().as_u16();
        assert_eq!(welcome, if path == WEBSOCKET { 101 } else { 200 }, "{path}");
    }
    let answer = rest.get(POLLING).await;
    assert_eq!(answer.status, 200, "what is not a browser has no origin");
}

fn upgrade(request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
    request
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
}
