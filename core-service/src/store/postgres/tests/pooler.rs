//! A pgbouncer between the cores and their database, which lends its connections for a transaction each.

use std::sync::Arc;

use roomcast_test_servers::{Pgbouncer, Postgres};

use super::cluster::{insist, open, publish, room, text};
use crate::store::postgres::connection::Connection;
use crate::store::postgres::target::Target;
use crate::store::{PageLimit, Store as _};

/// Fewer than two stores hold, so that they share.
const LENT: usize = 3;
const WRITERS: u32 = 16;
const EVENTS: u32 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cores_behind_a_pooler_of_transactions_commit_and_read_as_without() {
    let server = Postgres::start();
    let pooler = Pgbouncer::start(&server, LENT);
    let url = pooler.url() + "&pooling=transaction";
    let stores = [Arc::new(open(url.clone())), Arc::new(open(url))];
    let writers = (0..WRITERS).map(|writer| {
        let store = Arc::clone(&stores[writer as usize % stores.len()]);
        tokio::spawn(async move {
            for n in 0..EVENTS {
                insist(&store, &room(n % 2), &format!("{writer}-{n}")).await;
                store.read(&room(n % 2), 0, PageLimit::REPLAY).await.expect("a page");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("no panic");
    }
    let mut said = Vec::new();
    for number in 0..2 {
        let limit = PageLimit { events: usize::MAX, bytes: usize::MAX };
        let page = stores[0].read(&room(number), 0, limit).await.expect("a page");
        let offsets: Vec<u64> = page.events.iter().map(|event| event.cursor.offset).collect();
        assert_eq!(offsets, (1..=page.head.offset).collect::<Vec<_>>());
        said.extend(page.events.iter().map(|event| text(event)));
    }
    said.sort_unstable();
    said.dedup();
    assert_eq!(said.len(), (WRITERS * EVENTS) as usize);
    let lent = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'roomcast-core'";
    assert_eq!(server.say(lent), LENT.to_string());
    let left = stores[0].commit(publish(room(0), "0-0")).await.expect("answered from its key");
    assert!(format!("{left:?}").contains("is_replay: true"), "{left:?}");
}

/// Newer poolers carry statements along; with older ones it must be said what is wrong.
#[test]
fn a_pooler_that_loses_statements_is_told_by_name() {
    let server = Postgres::start();
    let pooler = Pgbouncer::start(&server, LENT);
    let target = Target::new(&pooler.url(), None).expect("an address");
    let one = Connection::open(&target).expect("connected");
    let other = Connection::open(&target).expect("connected");
    one.query("SELECT 1", &[]).expect("prepared where it runs");
    other.begin("BEGIN");
    other.query("SELECT 2", &[]).expect("keeps that connection of the pooler's");
    if let Err(trouble) = one.query("SELECT 1", &[]) {
        assert!(format!("{trouble:?}").contains("?pooling=transaction"), "{trouble:?}");
    }
}

/// A pooler takes no settings with a connection: whoever was lent the server's process next would have them.
#[test]
fn a_writers_limits_hold_with_a_pooler_and_without() {
    let server = Postgres::start();
    let pooler = Pgbouncer::start(&server, LENT);
    for url in [server.url(), pooler.url(), pooler.url() + "&pooling=transaction"] {
        let target = Target::new(&url, None).expect("an address");
        let writer = Connection::open_to_write(&target).expect("connected");
        writer.begin_writing();
        let limit = writer.query("SELECT current_setting('lock_timeout')", &[]).expect("a row");
        assert_eq!(limit[0].get::<_, String>(0), "2s", "{url}");
        writer.end().expect("ended");
        let other = Connection::open(&target).expect("connected");
        let limit = other.query("SELECT current_setting('lock_timeout')", &[]).expect("a row");
        assert_eq!(limit[0].get::<_, String>(0), "0", "{url}");
    }
}
