//! How the database goes about the statements of a batch.

use roomcast_test_servers::Postgres;

use super::cluster::open;
use crate::store::postgres::settings::WRITER;
use crate::store::postgres::{crowded, head, pending, rows};

/// What every batch of a kind sends, and every cleaning.
const STATEMENTS: [&str; 12] = [
    head::LOCK,
    head::LOCK_BY_NAME,
    head::LOCK_FREE,
    rows::MAKE,
    rows::UNMAKE,
    rows::JOBS,
    rows::REPLIES,
    pending::WRITE,
    pending::MOVE,
    pending::CHANGE,
    crowded::NEXT,
    crowded::MARK,
];
/// Rows of each table: few fit into a page, which is read sooner than an index.
const SIZES: [u32; 2] = [3, 3000];
/// Times that every row has changed since anybody swept.
const CHANGES: u32 = 10;

fn plan(server: &Postgres, sql: &str) -> String {
    let sql = sql.replace('?', "$");
    let parameters = (1..).take_while(|n| sql.contains(&format!("${n}"))).count();
    let values = vec!["NULL"; parameters].join(", ");
    server.say(&format!("{}; PREPARE one AS {sql}; EXPLAIN EXECUTE one({values})", WRITER.begin))
}

fn has_keys_alone(plan: &str) -> bool {
    let scans = plan.matches(" using ").count() + plan.matches("Bitmap Index Scan").count();
    !plan.contains("Seq Scan") && scans == plan.matches("Index Cond").count()
}

/// A time that is taken of a row which is not locked yet would be from before the wait for it.
fn is_dated_once_locked(plan: &str) -> bool {
    let places = plan.find("Subquery Scan on x").zip(plan.find("LockRows"));
    places.is_some_and(|(dated, locked)| dated < locked)
}

#[track_caller]
fn check(server: &Postgres) {
    for sql in STATEMENTS {
        let plan = plan(server, sql);
        assert!(has_keys_alone(&plan), "{sql}\n{plan}");
    }
    for sql in [head::LOCK, head::LOCK_BY_NAME] {
        let plan = plan(server, sql);
        assert!(is_dated_once_locked(&plan), "{sql}\n{plan}");
    }
}

#[test]
fn every_row_of_a_batch_is_found_by_its_key_however_few_there_are_and_however_many_have_died() {
    let server = Postgres::start();
    drop(open(server.url()));
    check(&server);
    for size in SIZES {
        server.say(&format!(
            "INSERT INTO topic(kind, tenant, name)
               SELECT 4, 'acme', 'room-' || n FROM generate_series(1, {size}) n ON CONFLICT DO NOTHING;
             INSERT INTO event(topic, \"offset\", stamp, time, form, type, body)
               SELECT n, 1, 1, 1, 0, 'said', '' FROM generate_series(1, {size}) n ON CONFLICT DO NOTHING;
             INSERT INTO job SELECT n, 'job-' || n, 'acme', 'alice', NULL, 'render', 2, 0, 1, '', '', 1
               FROM generate_series(1, {size}) n ON CONFLICT DO NOTHING;
             INSERT INTO job_record SELECT n, '' FROM generate_series(1, {size}) n
               ON CONFLICT DO NOTHING;
             INSERT INTO idempotency SELECT 's', 'key-' || n, '', '', 1
               FROM generate_series(1, {size}) n ON CONFLICT DO NOTHING;
             INSERT INTO lane SELECT n, 1, 1 FROM generate_series(1, {size}) n ON CONFLICT DO NOTHING;
             ANALYZE",
        ));
        check(&server);
        for _ in 0..CHANGES {
            server.say(
                "UPDATE topic SET head = head + 1; UPDATE job SET run_at = run_at + 1;
                 UPDATE job_record SET doc = ''; UPDATE lane SET batch = batch + 1",
            );
        }
        check(&server);
        server.say("ANALYZE");
        check(&server);
    }
}
