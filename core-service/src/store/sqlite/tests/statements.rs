//! How many statements a list takes: of a database that is elsewhere, each is a journey.

use std::cell::Cell;

use futures::future::join_all;
use rusqlite::Connection;

use super::{fresh, open};
use crate::domain::job::{Limits, Spec};
use crate::domain::time::Time;
use crate::store::commit::{Action, Command};
use crate::store::conformance::spec_at;
use crate::store::sql::{Answer, Row, Sql, Value, agenda, jobs};
use crate::store::sqlite::{SqliteConfig, connection};
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

    fn execute(&self, _: &str, _: &[Value<'_>]) -> Answer<u64, Self> {
        panic!("a list writes nothing")
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
    let (tenant, worker, now) = (None, "w".to_owned(), Time(2));
    let search = agenda::Search { kinds, tenant, worker, limit: 32, now };
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
async fn a_page_of_jobs_is_read_by_few_statements() {
    let (_disk, sql) = crowd().await;
    let query = JobQuery { tenant: "acme".into(), limit: 100, ..JobQuery::default() };
    let page = jobs::list(&sql, &query).expect("a list");
    assert_eq!((page.jobs.len(), page.has_more), (100, true));
    // One for each state, and one for every sixteen records.
    assert!(sql.statements.get() <= 14, "{}", sql.statements.get());
}
