//! Data that an older program wrote.

use std::sync::Arc;

use bytes::Bytes;
use rusqlite::{Connection, params};

use super::{Disk, fresh, publish, room};
use crate::domain::cursor::{Cursor, Resume};
use crate::domain::job::{self, Decision, Entry, OutputChunk, Record, Report};
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};
use crate::store::conformance::spec_at;
use crate::store::sqlite::row::signed;
use crate::store::sqlite::{SqliteConfig, SqliteStore, folder};
use crate::store::{Catalog as _, OutputQuery, PageLimit, Piece, Store, codec};

const ROOM: i64 = 1;
const JOB: i64 = 2;
const EVENTS: u64 = 150;
const FLOOR: u64 = 10;
const STAMP: u32 = 7;

/// A room with a floor and a running job with output, event by event in turn.
fn write_schema_1(disk: &Disk) -> Record {
    let database = Connection::open(folder::database(disk.0.path())).expect("opens");
    database.pragma_update(None, "journal_mode", "wal").expect("set");
    database.execute_batch("CREATE TABLE meta(key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID; INSERT INTO meta VALUES('schema', 1)").expect("written");
    database.execute_batch(include_str!("../schema/1.sql")).expect("written");
    let insert = "INSERT INTO event(topic, \"offset\", stamp, time, form, type, body) VALUES(?1, ?2, ?3, 1, ?4, ?5, ?6)";
    let mut insert = database.prepare(insert).expect("prepared");
    let (record, entries) = job_with_output();
    for (offset, entry) in (1..).zip(&entries) {
        if (FLOOR + 1..=EVENTS).contains(&offset) {
            let body = format!("{{\"n\":{offset}}}").into_bytes();
            insert.execute(params![ROOM, signed(offset), STAMP, 0, "said", body]).expect("written");
        }
        let body = crate::domain::event::Body::Job(Arc::new(entry.clone()));
        let (form, body) = codec::encode(&body).expect("encoded");
        let kind = entry.event.kind();
        let row = params![JOB, signed(offset), STAMP, form as i64, kind, &body[..]];
        let event = insert.insert(row).expect("written");
        if let job::Event::Output { channel, offset, .. } = &entry.event {
            let output = "INSERT INTO job_output VALUES(?1, 1, ?2, ?3, ?4)";
            database
                .execute(output, params![JOB, channel, signed(*offset), event])
                .expect("written");
        }
    }
    let head = entries.len() as u64;
    let topic = "INSERT INTO topic(id, kind, tenant, name, floor) VALUES(?1, ?2, 'acme', ?3, ?4)";
    let topic_head = "INSERT INTO topic_head VALUES(?1, ?2, ?3, 0, ?4)";
    let types = format!("{{\"said\":{EVENTS}}}");
    for (id, kind, name, floor, head, types) in
        [(ROOM, 4, "room", FLOOR, EVENTS, &*types), (JOB, 1, "job-000001", 0, head, "{}")]
    {
        database.execute(topic, params![id, kind, name, signed(floor)]).expect("written");
        database.execute(topic_head, params![id, signed(head), STAMP, types]).expect("written");
    }
    let job = "INSERT INTO job VALUES(?1, 'job-000001', 'acme', 'ada', NULL, 'k', 3, 0, 1, '', '', 0, NULL, ?2)";
    let doc = codec::to_json(&record).expect("encoded");
    database.execute(job, params![JOB, doc]).expect("written");
    record
}

fn job_with_output() -> (Record, Vec<Entry>) {
    let Decision { mut record, mut entries } = Record::create(spec_at(Time(1), 1));
    let mut decide = |command| {
        let decision = record.decide(command, Time(1)).expect("decided");
        entries.extend(decision.entries);
        record = decision.record;
    };
    let ttl = std::time::Duration::from_secs(60);
    decide(job::Command::Lease { worker: "w".into(), ttl });
    for number in 1..=EVENTS {
        let (channel, data) = ("stdout".into(), Bytes::from_static(b"12345"));
        let output = vec![OutputChunk { channel, offset: (number - 1) * 5, data }];
        let (progress, usage, events, end) = (None, None, Vec::new(), None);
        let report = Report { fence: 1, number, ttl, progress, output, usage, events, end };
        decide(job::Command::Report(Box::new(report)));
    }
    (record, entries)
}

#[tokio::test]
async fn data_of_the_first_schema_reads_as_it_was_written() {
    let disk = fresh();
    let record = write_schema_1(&disk);
    let config = SqliteConfig::new(disk.0.path());
    let store = SqliteStore::open(config, Arc::new(|| Time(1)), Arc::new(|_| {})).expect("opens");
    let head = Cursor { offset: EVENTS, stamp: STAMP };
    let page = store.read(&room(), 0, PageLimit::REPLAY).await.expect("a page");
    assert_eq!((page.head, page.floor), (head, FLOOR));
    let offsets: Vec<_> = page.events.iter().map(|event| event.cursor.offset).collect();
    assert_eq!(offsets, (FLOOR + 1..=EVENTS).collect::<Vec<_>>());
    let old = Cursor { offset: 70, stamp: STAMP };
    let position = store.position(&room(), Some(old)).await.expect("a position");
    assert_eq!(position.resume, Some(Resume::Whole));
    let (_, last) = store.last_values(&room(), 9).await.expect("values");
    assert_eq!(last[0].cursor, head);
    store.commit(publish(10)).await.expect("goes on");
    let page = store.read(&room(), EVENTS - 1, PageLimit::REPLAY).await.expect("a page");
    assert_eq!(page.events.len(), 2);

    let topic = Topic::new("acme", Kind::Job, "job-000001").expect("a topic");
    let page = store.read(&topic, 0, PageLimit::REPLAY).await.expect("a page");
    assert_eq!(page.events.len() as u64, page.head.offset);
    let stored = store.job("job-000001").await.expect("read").expect("there");
    assert_eq!(*stored.record, record);
    for from in [0, 3, 333, 700] {
        let (attempt, channel, max) = (1, "stdout".to_owned(), 40);
        let query = OutputQuery { job_id: "job-000001".into(), attempt, channel, from, max };
        let expected: Vec<u8> =
            b"12345".repeat(150)[from as usize..].iter().take(40).copied().collect();
        let expected = Piece { start: from, data: Bytes::from(expected) };
        assert_eq!(store.job_output(query).await, Ok(expected), "{from}");
    }
}
