//! What this engine keeps in its own way, as the batch asks for it: read ahead under locks, written
//! together at the end.

use std::collections::HashMap;
use std::sync::Arc;

use super::connection::{Call, Connection};
use super::failure::{Failure, Trouble};
use super::head::{self, Head};
use super::pending::Pending;
use super::plan::Plan;
use super::read;
use super::sql::read as read_row;
use crate::domain::event::Event;
use crate::domain::job::{Record, Spec, Usage};
use crate::domain::payload::Payload;
use crate::domain::retention::Retentions;
use crate::domain::time::Time;
use crate::domain::topic::Topic;
use crate::store::batch::{self, Reply};
use crate::store::commit::Idempotency;
use crate::store::job::Held;
use crate::store::sql::row::kind_number;
use crate::store::{Error, PageLimit, codec};

/// Statements have 10 s, locks 2 s, and a core that hangs inside a transaction 1.5 s: others wait for what
/// it has locked, and edges have left it for them within 2 s. Said with each transaction, so that a pooler may lend any of its connections.
///
/// Every row is found by its key: joins go through the index, however few topics there are. A scan of a
/// table whose every row changes with each commit reads the dead ones too.
pub(super) const BEGIN: &str = "BEGIN; SET LOCAL statement_timeout = 10000;
     SET LOCAL lock_timeout = 2000; SET LOCAL idle_in_transaction_session_timeout = 1500;
     SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";

/// A transaction's rows.
#[derive(Debug)]
pub(super) struct Rows<'lane> {
    connection: &'lane Connection,
    retentions: &'lane Retentions,
    heads: HashMap<Topic, Head>,
    jobs: HashMap<String, Option<Held>>,
    replies: HashMap<(String, String), Option<Reply>>,
    pending: Pending,
    now: Time,
}

/// Who commits what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub(super) stamp: u32,
    pub(super) batch: u64,
}

impl<'lane> Rows<'lane> {
    /// Begins a transaction, locks what is planned, and reads it.
    pub(super) fn begin(
        connection: &'lane Connection,
        retentions: &'lane Retentions,
        plan: &Plan,
        mark: Mark,
    ) -> Result<Rows<'lane>, Failure> {
        connection.begin(BEGIN);
        let opening = opening(plan, mark);
        let is_sent = opening.each_ref().map(Option::is_some);
        let calls = opening.into_iter().flatten().collect();
        let mut found = connection.pipeline(calls).map_err(Failure::Engine)?.into_iter();
        let mut answer =
            |is_sent: bool| is_sent.then(|| found.next()).flatten().unwrap_or_default();
        let [moved, _, _, heads, clock, jobs, replies] = is_sent.map(&mut answer);
        if moved.is_empty() {
            // The row is older than the cleaner lets one become: this lane begins anew.
            return Err(Failure::Engine(Trouble::Lost("the lane was forgotten".into())));
        }
        let heads: Result<HashMap<_, _>, Error> = heads.iter().map(Head::read).collect();
        let heads = heads?;
        if heads.len() < plan.topics.len() {
            return Err(Failure::Engine(Trouble::Unmade));
        }
        let clock = clock.first().map(read_row).transpose()?;
        let now = Time(clock.map_or(Ok(0), |row| row.unsigned(0))?);
        let mut rows = Rows {
            connection,
            retentions,
            heads,
            jobs: plan.jobs.iter().map(|id| (id.clone(), None)).collect(),
            replies: plan.keys.iter().map(|key| (key.clone(), None)).collect(),
            pending: Pending::default(),
            now,
        };
        for row in &jobs {
            let (id, held) = read_job(row)?;
            rows.jobs.insert(id, Some(held));
        }
        for row in &replies {
            let row = read_row(row)?;
            let expires_at = Time(row.unsigned(4)?);
            let reply =
                Reply { content: row.bytes(2)?.to_vec(), outcome: row.text(3)?, expires_at };
            rows.replies.insert((row.text(0)?, row.text(1)?), Some(reply));
        }
        Ok(rows)
    }

    /// The database's time, once the locks were had.
    pub(super) fn now(&self) -> Time {
        self.now
    }

    /// Ends the transaction: durable when it returns. Nothing to write, nothing to wait for.
    pub(super) fn commit(mut self) -> Result<(), Failure> {
        let is_idle = self.pending.is_empty()
            && !self.connection.has_written()
            && self.heads.values().all(|head| !head.has_changed);
        if is_idle {
            return self.connection.end().map_err(Failure::Engine);
        }
        let calls = self.pending.calls(self.heads.values_mut()).map_err(Failure::Broken)?;
        self.connection.pipeline_and_commit(calls).map_err(Failure::Engine)
    }

    fn planned(&mut self, topic: &Topic) -> Result<&mut Head, Failure> {
        let unplanned = || Failure::Engine(Trouble::Unplanned(topic.clone()));
        self.heads.get_mut(topic).ok_or_else(unplanned)
    }
}

/// What begins every transaction, in this order: the lane's own row, names, topics; and only then, in
/// statements of their own, what the locks guard. A read in the locking statement would be stale. What
/// the plan has nothing for is not sent.
fn opening(plan: &Plan, mark: Mark) -> [Option<Call>; 7] {
    let mut topics: Vec<_> = plan
        .topics
        .iter()
        .map(|topic| {
            (kind_number(topic.kind()), topic.tenant().to_owned(), topic.name().to_owned())
        })
        .collect();
    topics.sort_unstable();
    let kinds: Vec<i64> = topics.iter().map(|(kind, ..)| *kind).collect();
    let tenants: Vec<String> = topics.iter().map(|(_, tenant, _)| tenant.clone()).collect();
    let names: Vec<String> = topics.into_iter().map(|(.., name)| name).collect();
    let by_name =
        |sql| Call::new(sql).with(kinds.clone()).with(tenants.clone()).with(names.clone());
    let moved = Call::new(
        "UPDATE lane SET batch = ?2,
           seen = CAST(extract(epoch FROM now()) * 1000 AS bigint)
         WHERE stamp = ?1 RETURNING stamp",
    )
    .with(i64::from(mark.stamp))
    .with(i64::try_from(mark.batch).unwrap_or(i64::MAX));
    let locks = (!plan.locks.is_empty()).then(|| {
        Call::new("SELECT pg_advisory_xact_lock(name) FROM unnest(?1::bigint[]) name")
            .with(plan.locks.iter().copied().collect::<Vec<i64>>())
    });
    let topics = plan.makes_topics.then(|| {
        by_name(
            "INSERT INTO topic(kind, tenant, name)
             SELECT w.kind, w.tenant, w.name
             FROM unnest(?1::bigint[], ?2::text[], ?3::text[]) AS w(kind, tenant, name)
             WHERE NOT EXISTS(SELECT 1 FROM topic t
               WHERE t.kind = w.kind AND t.tenant = w.tenant AND t.name = w.name)
             ON CONFLICT DO NOTHING",
        )
    });
    let heads = by_name(head::LOCK);
    let clock = Call::new("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)");
    let jobs = (!plan.jobs.is_empty()).then(|| {
        Call::new(
            "SELECT j.job_id, j.topic, r.doc FROM job j JOIN job_record r ON r.topic = j.topic
             WHERE j.job_id = ANY(?1::text[])",
        )
        .with(plan.jobs.clone())
    });
    let replies = (!plan.keys.is_empty()).then(|| {
        let (scopes, keys): (Vec<String>, Vec<String>) = plan.keys.iter().cloned().unzip();
        Call::new(
            "SELECT i.scope, i.key, i.content, i.reply, i.expires_at FROM idempotency i
             JOIN unnest(?1::text[], ?2::text[]) AS w(scope, key)
               ON i.scope = w.scope AND i.key = w.key",
        )
        .with(scopes)
        .with(keys)
    });
    [Some(moved), locks, topics, Some(heads), Some(clock), jobs, replies]
}

fn read_job(row: &tokio_postgres::Row) -> Result<(String, Held), Error> {
    let row = read_row(row)?;
    let record = codec::from_json(&row.bytes(2)?)?;
    Ok((row.text(0)?, Held { topic: row.number(1)?, record: Arc::new(record) }))
}

impl batch::Rows for Rows<'_> {
    type Sql = Connection;

    fn sql(&self) -> &Connection {
        self.connection
    }

    fn head(&mut self, topic: &Topic) -> Result<batch::Head, Failure> {
        Ok(self.planned(topic)?.stand)
    }

    fn touch(&mut self, topic: &Topic) -> Result<batch::Head, Failure> {
        let head = self.planned(topic)?;
        head.has_changed = true;
        Ok(head.stand)
    }

    fn append(&mut self, topic: &Topic, events: &[Arc<Event>]) -> Result<(), Failure> {
        let retentions = self.retentions;
        self.planned(topic)?;
        let Some(head) = self.heads.get_mut(topic) else { return Ok(()) };
        for event in events {
            let bytes = self.pending.event(head.stand.id, event).map_err(Failure::Broken)?;
            head.advance(event, bytes);
        }
        head.is_crowded |= retentions.is_passed(topic.kind(), head.events(), head.bytes);
        Ok(())
    }

    fn end(&mut self, topic: &Topic, at: Time) -> Result<(), Failure> {
        let head = self.planned(topic)?;
        head.stand.ended_at = Some(at);
        head.has_changed = true;
        Ok(())
    }

    fn events(
        &mut self,
        topic: &Topic,
        after: u64,
        limit: PageLimit,
    ) -> Result<Vec<Arc<Event>>, Failure> {
        self.flush()?;
        Ok(read::page(self.connection, topic, after, limit)?.events)
    }

    fn job(&mut self, job_id: &str) -> Result<Option<Held>, Failure> {
        if let Some(known) = self.jobs.get(job_id) {
            return Ok(known.clone());
        }
        let found = self.connection.query(
            "SELECT j.job_id, j.topic, r.doc FROM job j JOIN job_record r ON r.topic = j.topic
             WHERE j.job_id = ?1",
            &[&job_id],
        );
        let found = found.map_err(Failure::Engine)?;
        let held = found.first().map(read_job).transpose()?.map(|(_, held)| held);
        self.jobs.insert(job_id.to_owned(), held.clone());
        Ok(held)
    }

    fn insert_job(&mut self, held: &Held, input: Option<&Payload>) -> Result<(), Failure> {
        self.jobs.insert(held.record.job.spec.id.clone(), Some(held.clone()));
        self.pending.insert_job(held, input);
        Ok(())
    }

    fn update_job(&mut self, old: &Record, held: &Held) -> Result<(), Failure> {
        self.jobs.insert(held.record.job.spec.id.clone(), Some(held.clone()));
        self.pending.update_job(old, held);
        Ok(())
    }

    fn add_usage(&mut self, spec: &Spec, more: &Usage) -> Result<(), Failure> {
        self.pending.add_usage(spec, more);
        Ok(())
    }

    fn reply(&mut self, asked: &Idempotency) -> Result<Option<Reply>, Failure> {
        let key = (asked.scope.clone(), asked.key.clone());
        Ok(self.replies.get(&key).cloned().flatten())
    }

    fn put_reply(&mut self, new: &Idempotency, reply: String) -> Result<(), Failure> {
        let key = (new.scope.clone(), new.key.clone());
        let known = Reply {
            content: new.content.to_vec(),
            outcome: reply.clone(),
            expires_at: new.expires_at,
        };
        if self.replies.insert(key.clone(), Some(known)).flatten().is_some() {
            self.pending.expire(key);
        }
        self.pending.key(new, reply);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        let calls = self.pending.calls(self.heads.values_mut()).map_err(Failure::Broken)?;
        if !calls.is_empty() {
            self.connection.note_write();
            self.connection.pipeline(calls).map_err(Failure::Engine)?;
        }
        Ok(())
    }
}
