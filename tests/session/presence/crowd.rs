//! So many that only their number is told.

use std::collections::BTreeMap;

use super::{Here, folded, join, listed};
use crate::session::open;
use crate::support::{Clients, Sse, System, admin, eventually};

/// Above so many only their number is told; at so many they are named again.
const NAMED_MAX: usize = 200;
const NAMED_AGAIN: usize = 150;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn above_two_hundred_the_number_is_told_and_below_they_are_named_again() {
    let system = System::start().await;
    let session_id = open(&system.core).await;
    let clients = Clients::node().await;
    let socket = clients.connect(&system.edge.url(), Some(&admin("root")));
    socket.connected().await;
    join(&socket, &session_id).await;
    let path = format!("/sessions/{session_id}/events");
    let mut streams = Vec::new();
    for number in 1..NAMED_MAX {
        let rest = system.edge.rest(&admin(&format!("u{number:03}")));
        streams.push(Sse::open(&rest, &path, None).await);
    }
    let all: BTreeMap<_, _> = (1..NAMED_MAX)
        .map(|number| (format!("u{number:03}"), 1))
        .chain([("root".to_owned(), 1)])
        .collect();
    let all = Here::Named(all);
    eventually("all are named", async || (folded(&socket) == all).then_some(())).await;
    assert_eq!(listed(&system.edge, &session_id).await, all);

    let last = system.edge.rest(&admin("last"));
    streams.push(Sse::open(&last, &path, None).await);
    let many = Here::Counted(NAMED_MAX as u64 + 1);
    eventually("they are counted", async || (folded(&socket) == many).then_some(())).await;
    assert_eq!(listed(&system.edge, &session_id).await, many);
    let late = clients.connect(&system.edge.url(), Some(&admin("root")));
    late.connected().await;
    join(&late, &session_id).await;
    assert_eq!(folded(&late), many, "who comes late is told their number");

    streams.truncate(NAMED_AGAIN - 1);
    let few = |here: &Here| matches!(here, Here::Named(users) if users.len() == NAMED_AGAIN);
    eventually("they are named again", async || few(&folded(&socket)).then_some(())).await;
    assert_eq!(listed(&system.edge, &session_id).await, folded(&socket));
}
