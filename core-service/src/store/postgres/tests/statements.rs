//! What of statements stays with the server.

use roomcast_test_servers::Postgres;

use crate::store::postgres::connection::{Connection, STATEMENTS_MAX};
use crate::store::postgres::target::Target;

/// A server that counts what it is asked.
pub(super) const COUNTING: [&str; 2] =
    ["shared_preload_libraries=pg_stat_statements", "pg_stat_statements.track=all"];
/// Where it counts.
pub(super) const COUNTS: &str = "CREATE EXTENSION pg_stat_statements";

/// How many statements like this one it has run.
pub(super) fn count(server: &Postgres, like: &str) -> u64 {
    let calls = server.say(&format!(
        "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE query LIKE '{like}'"
    ));
    calls.parse().expect("a number")
}

const PREPARED: &str = "SELECT count(*) FROM pg_prepared_statements";

#[test]
fn a_connection_keeps_so_many_statements_prepared_and_no_more() {
    let server = Postgres::start();
    let target = Target::new(&server.url(), None).expect("an address");
    let connection = Connection::open(&target).expect("connected");
    let prepared = || {
        let rows = connection.query(PREPARED, &[]).expect("counted");
        usize::try_from(rows[0].get::<_, i64>(0)).expect("a count")
    };
    assert!(prepared() < STATEMENTS_MAX.get());
    for n in 0..2 * STATEMENTS_MAX.get() {
        connection.query(&format!("SELECT {n}"), &[]).expect("answered");
    }
    let after = prepared();
    // The one that counts has fallen out and come back, for one that falls out after it.
    let kept = STATEMENTS_MAX.get()..=STATEMENTS_MAX.get() + 1;
    assert!(kept.contains(&after), "{after}");
}

#[test]
fn a_transaction_that_locks_sees_what_was_committed_meanwhile_whatever_the_database_prefers() {
    let server = Postgres::start();
    server.say("ALTER DATABASE postgres SET default_transaction_isolation = 'serializable'");
    let target = Target::new(&server.url(), None).expect("an address");
    let lane = Connection::open_to_write(&target).expect("connected");
    let keeper = Connection::open(&target).expect("connected");
    assert_eq!((lane.is_alone(), keeper.is_alone()), (true, false));
    for connection in [lane, keeper] {
        connection.begin_writing();
        let rows = connection.query("SHOW transaction_isolation", &[]).expect("answered");
        assert_eq!(rows[0].get::<_, String>(0), "read committed");
        connection.end().expect("ended");
    }
}
