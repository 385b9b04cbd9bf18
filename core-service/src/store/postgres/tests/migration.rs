//! A database that a core of an older version goes on with.

use roomcast_test_servers::Postgres;

use super::cluster::open;
use crate::domain::topic::{Kind, Topic};
use crate::store::commit::{Action, Command};
use crate::store::session::{self, Outcome};
use crate::store::{Catalog as _, Committed, Store as _};

/// What a core of schema 2 writes when somebody comes.
fn comes(server: &Postgres, user: &str, edge: &str) {
    server.say(&format!("INSERT INTO participant VALUES(1, '{user}', '{edge}', 1, 1)"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_there_by_an_older_core_is_neither_gone_at_once_nor_there_for_ever() {
    let server = Postgres::start();
    server.say("CREATE TABLE meta(key text PRIMARY KEY, value bigint NOT NULL)");
    server.say("INSERT INTO meta VALUES('schema', 2)");
    server.say(include_str!("../schema/1.sql"));
    server.say(include_str!("../schema/2.sql"));
    server.say("INSERT INTO topic(kind, tenant, name) VALUES(4, 'acme', 'lobby')");
    comes(&server, "alice", "before");
    let store = open(server.url());
    comes(&server, "bob", "after");
    let edges = vec!["after".to_owned(), "before".to_owned()];
    assert_eq!(store.silent_edges(10).await.as_ref(), Ok(&edges), "each gets its time");
    for edge_id in edges {
        let reap = session::Action::Reap { edge_id, core_id: "a".to_owned() };
        let action = Action::Session(Box::new(reap));
        let noted = store.commit(Command { action, idempotency: None, trace: None }).await;
        let outcome = Box::new(Outcome::Attended(None));
        assert_eq!(noted, Ok(Committed::Session { outcome, is_replay: false }));
    }
    assert_eq!(store.silent_edges(10).await, Ok(Vec::new()));
    let room = Topic::new("acme", Kind::Room, "lobby").expect("a topic");
    let (_, presence) = store.presence(&room).await.expect("read").expect("there");
    assert_eq!(presence.count(), 2);
    server.say("UPDATE edge SET expires_at = expires_at - 3600000");
    assert_eq!(store.silent_edges(10).await.map(|edges| edges.len()), Ok(2), "the time is over");
}
