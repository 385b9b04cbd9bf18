//! How many statements lists and copies take: of a database that is elsewhere, each is a journey.

use std::cell::Cell;

use futures::future::join_all;
use rusqlite::Connection;

use super::{fresh, open};
use crate::domain::graph::{Document, Link, Node};
use crate::domain::job::{Limits, Spec};
use crate::domain::time::Time;
use crate::store::commit::{Action, Command};
use crate::store::conformance::{agenda::seeker, spec_at};
use crate::store::session::Part;
use crate::store::sql::graph::Body;
use crate::store::sql::{Answer, Row, Sql, Value, agenda, copy, jobs};
use crate::store::sqlite::SqliteConfig;
use crate::store::sqlite::connection::{self, Synchronous};
use crate::store::{JobQuery, Store as _};

/// Counts what it is asked.
struct Counting {
    connection: Connection,
    statements: Cell<usize>,
}

impl Sql for Counting {
    type Error = rusqlite::Error;

    const EACH: &'static str = <Connection as Sql>::EACH;

    fn rows(&self, sql: &str, wanted: &[Value<'_>]) -> Answer<Vec<Row>, Self> {
        self.statements.set(self.statements.get() + 1);
        self.connection.rows(sql, wanted)
    }

    fn execute(&self, sql: &str, wanted: &[Value<'_>]) -> Answer<u64, Self> {
        self.statements.set(self.statements.get() + 1);
        Sql::execute(&self.connection, sql, wanted)
    }

    fn index_hint(index: &str) -> String {
        Connection::index_hint(index)
    }
}

/// Jobs of forty owners, three of each.
async fn crowd() -> (super::Disk, Counting) {
    let disk = fresh();
    let store = open(SqliteConfig::new(disk.0.path()));
    let created = (0..120).map(|n| {
        let spec = Spec { owner: format!("owner-{}", n % 40), ..spec_at(Time(1), n) };
        let action = Action::CreateJob { spec: Box::new(spec), input: None, taker: None };
        store.commit(Command { action, idempotency: None, trace: None })
    });
    for created in join_all(created).await {
        created.expect("created");
    }
    drop(store);
    let connection = connection::open_reader(disk.0.path()).expect("opens");
    (disk, Counting { connection, statements: Cell::new(0) })
}

#[tokio::test]
async fn free_jobs_of_many_owners_are_found_by_few_statements() {
    let (_disk, sql) = crowd().await;
    let kinds = vec!["render".to_owned(), "test".to_owned()];
    let (tenant, seekers, now) = (None, seeker("w"), Time(2));
    let search = agenda::Search { kinds, tenant, seekers, limit: 32, now };
    let turns = agenda::Turns::new();
    for _ in 0..3 {
        sql.statements.set(0);
        let found = agenda::free(&sql, &search, &turns, &Limits::default()).expect("found");
        assert_eq!(found.len(), 32);
        // The priority, and two ranges of the keys in each of four lanes.
        assert!(sql.statements.get() <= 9, "{}", sql.statements.get());
    }
}

#[tokio::test]
async fn a_crowd_of_workers_asks_by_as_few_statements_as_one() {
    let (_disk, sql) = crowd().await;
    let seekers: Vec<_> = (0..64).flat_map(|n| seeker(&format!("w-{n}"))).collect();
    for (kind, most) in [("idle", 2), ("render", 3)] {
        let (kinds, seekers) = (vec![kind.to_owned()], seekers.clone());
        let search = agenda::Search { kinds, tenant: None, seekers, limit: 32, now: Time(2) };
        sql.statements.set(0);
        let turns = agenda::Turns::new();
        agenda::free(&sql, &search, &turns, &Limits::default()).expect("found");
        assert!(sql.statements.get() <= most, "{kind}: {}", sql.statements.get());
    }
}

#[tokio::test]
async fn a_page_of_jobs_is_read_by_few_statements() {
    let (_disk, sql) = crowd().await;
    let query = JobQuery { tenant: "acme".into(), limit: 100, ..JobQuery::default() };
    let page = jobs::list(&sql, &query).expect("a list");
    assert_eq!((page.jobs.len(), page.has_more), (100, true));
    // One for each state, and one for every sixteen records.
    assert!(sql.statements.get() <= 14, "{}", sql.statements.get());
}

#[test]
fn a_part_of_a_graph_is_written_by_few_statements() {
    let disk = fresh();
    let connection = connection::open_writer(disk.0.path(), Synchronous::Full).expect("opens");
    let sql = Counting { connection, statements: Cell::new(0) };
    let node = |n| Node { node_id: format!("node-{n}"), ..Node::default() };
    let link = |n| Link { node_id: format!("node-{n}"), parent_id: "node-0".into() };
    let (nodes, links): (Vec<_>, Vec<_>) =
        ((0..250).map(node).collect(), (1..=250).map(link).collect());
    let part = Part { body: 1 << 41, is_first: true, nodes, links };
    copy::put_part(&sql, &part, Time(1)).expect("put");
    // Two about the copy, and of nodes and links each 3 of 64 rows, 7 of 8 and 2 of one.
    assert_eq!(sql.statements.get(), 2 + 2 * (3 + 7 + 2));
    let body = Body { sql: &sql, body: copy::number(part.body) };
    let found = body.document().expect("read");
    let nodes = part.nodes.into_iter().map(|node| (node.node_id.clone(), node)).collect();
    assert_eq!(found, Document { nodes, links: part.links.into_iter().collect() });
}
