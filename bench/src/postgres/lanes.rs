//! Bare lanes: group commit over a few connections with the least that a durable topic log needs in
//! PostgreSQL, and no domain. The measure for the store.

use std::collections::BTreeMap;

use futures::try_join;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};

use crate::body::BODY;
use crate::load::Operation;
use crate::server::connect;

pub(super) const TOPICS: i64 = 1000;
/// As many as the store has.
const LANES: usize = 2;
/// Room for every publisher.
const QUEUE: usize = 8192;
/// The store's own bound of a batch: without it the two would not do the same.
const BATCH_MAX: usize = 1024;
/// Spreads what follows each other: 2^64 divided by the golden ratio.
const MIXER: u64 = 0x9e37_79b9_7f4a_7c15;
/// Of the connection that committed an event.
const STAMP: i64 = 7;
/// In milliseconds since 1970.
const TIME: i64 = 1_790_000_000_000;
pub(super) const SCHEMA: &str = r#"
    CREATE TABLE topic(id bigint PRIMARY KEY, name text COLLATE "C" NOT NULL UNIQUE,
        head bigint NOT NULL DEFAULT 0, stamp bigint NOT NULL DEFAULT 0)
        WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
    CREATE TABLE event(topic bigint NOT NULL, "offset" bigint NOT NULL, stamp bigint NOT NULL,
        time bigint NOT NULL, type text NOT NULL, body bytea NOT NULL, PRIMARY KEY(topic, "offset"));
    ALTER TABLE event ALTER body SET STORAGE EXTERNAL;
    INSERT INTO topic(id, name) SELECT id, 'room-' || id FROM generate_series(0, 999) AS id;"#;

/// Locks in order, gives out offsets and writes, all in one: for events that nothing is decided about.
const ONE_STATEMENT: &str = r#"
    WITH t AS (SELECT * FROM unnest($1::bigint[], $2::bigint[]) u(id, n)),
    l AS MATERIALIZED (SELECT topic.id, topic.head, t.n FROM topic JOIN t USING(id)
        ORDER BY topic.id FOR UPDATE OF topic),
    u AS (UPDATE topic SET head = l.head + l.n, stamp = $3 FROM l WHERE topic.id = l.id
        RETURNING topic.id, l.head AS base)
    INSERT INTO event SELECT e.t, u.base + e.o, $3, $4, 'tick', e.b
        FROM unnest($5::bigint[], $6::bigint[], $7::bytea[]) e(t, o, b) JOIN u ON u.id = e.t"#;

/// What the store asks for: locks first, and what was decided under them in statements of their own.
const LOCK: &str = "SELECT t.id, t.head, t.stamp FROM topic t WHERE t.id = ANY($1::bigint[])
    ORDER BY t.id FOR UPDATE";
const INSERT: &str = r#"INSERT INTO event(topic, "offset", stamp, time, type, body)
    SELECT topic, "offset", $1, $2, 'tick', body
    FROM unnest($3::bigint[], $4::bigint[], $5::bytea[]) AS w(topic, "offset", body)"#;
const UPDATE: &str = "UPDATE topic SET head = w.head, stamp = $3
    FROM unnest($1::bigint[], $2::bigint[]) AS w(id, head) WHERE topic.id = w.id";

/// What the store asks for where it alone was at the topics: it knows their heads, and the statement fails if
/// one is elsewhere.
const REMEMBERED: &str = r#"
    WITH moved AS (UPDATE topic SET head = w.head, stamp = $1
        FROM (SELECT * FROM unnest($3::bigint[], $4::bigint[], $5::bigint[]) AS u(id, head, was)
            LIMIT cardinality($3::bigint[])) AS w
        WHERE topic.id = w.id AND topic.head = w.was RETURNING topic.id),
    written AS (INSERT INTO event(topic, "offset", stamp, time, type, body)
        SELECT topic, "offset", $1, $2, 'tick', body
        FROM unnest($6::bigint[], $7::bigint[], $8::bytea[]) AS w(topic, "offset", body))
    SELECT 1 / CAST(count(*) = cardinality($3::bigint[]) AS integer) FROM moved"#;

/// As the store has it: every row is found by its key, however few there are, and a statement has one plan.
const BY_KEY: &str =
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
    SET plan_cache_mode = force_generic_plan; SET jit = off";

/// How a batch is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// One statement is the transaction, which finds the heads: one answer to wait for.
    Blind,
    /// Locks, then rows: two.
    Locked,
    /// One statement, with heads that are known.
    Remembered,
}

type Parameter<'value> = &'value (dyn ToSql + Sync);
type Request = (i64, oneshot::Sender<()>);

/// The lanes' queues.
pub(super) struct Lanes {
    queues: Vec<mpsc::Sender<Request>>,
}

impl Lanes {
    pub(super) async fn open(url: &str, way: Way) -> anyhow::Result<Lanes> {
        connect(url).await?.batch_execute(SCHEMA).await?;
        let lanes = (0..LANES).map(|number| {
            let (queue, waiting) = mpsc::channel(QUEUE);
            let url = url.to_owned();
            // As the store's: a thread and a runtime for each connection.
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let lane = move || runtime.block_on(write(&url, way, waiting));
            std::thread::Builder::new().name(format!("bare-lane-{number}")).spawn(lane)?;
            anyhow::Ok(queue)
        });
        Ok(Lanes { queues: lanes.collect::<anyhow::Result<_>>()? })
    }
}

#[async_trait::async_trait]
impl Operation for Lanes {
    async fn run(&self, publisher: usize, round: u64) -> anyhow::Result<()> {
        let topic = topic(publisher, round)?;
        let (done, wait) = oneshot::channel();
        // As the store's: no publisher goes to them by turns.
        let mixed = topic.unsigned_abs().wrapping_mul(MIXER) >> 32;
        let lane = usize::try_from(mixed)? % self.queues.len();
        self.queues[lane].send((topic, done)).await?;
        Ok(wait.await?)
    }
}

/// One of many, another in each round.
pub(super) fn topic(publisher: usize, round: u64) -> anyhow::Result<i64> {
    let number = publisher.wrapping_mul(7919).wrapping_add(usize::try_from(round)?);
    Ok(i64::try_from(number % usize::try_from(TOPICS)?)?)
}

/// Ends with an error or when the queue is closed; either way whoever waits learns of it.
async fn write(url: &str, way: Way, mut waiting: mpsc::Receiver<Request>) -> anyhow::Result<()> {
    let mut lane = Lane::open(url, way).await?;
    let mut arrived = Vec::with_capacity(BATCH_MAX);
    while waiting.recv_many(&mut arrived, BATCH_MAX).await > 0 {
        let mut counts: BTreeMap<i64, i64> = BTreeMap::new();
        // A topic, and the event's number among the batch's of that topic.
        let mut events = Vec::with_capacity(arrived.len());
        for (topic, _) in &arrived {
            let count = counts.entry(*topic).or_default();
            *count += 1;
            events.push((*topic, *count));
        }
        match way {
            Way::Blind => lane.write_at_once(&counts, &events).await?,
            Way::Locked => lane.lock_and_write(&counts, &events).await?,
            Way::Remembered => lane.write_on_heads(&counts, &events).await?,
        }
        for (_, acknowledgement) in arrived.drain(..) {
            // A publisher whose time is over does not wait.
            let _ = acknowledgement.send(());
        }
    }
    Ok(())
}

struct Lane {
    client: Client,
    /// Of the topics that were written to; of all others, 0.
    heads: BTreeMap<i64, i64>,
    at_once: Statement,
    remembered: Statement,
    lock: Statement,
    insert: Statement,
    update: Statement,
}

impl Lane {
    async fn open(url: &str, way: Way) -> anyhow::Result<Lane> {
        let client = connect(url).await?;
        client.batch_execute(BY_KEY).await?;
        if way == Way::Blind {
            // It joins what it has found, which no index helps with.
            client.batch_execute("SET enable_hashjoin = on").await?;
        }
        let (at_once, lock) = (client.prepare(ONE_STATEMENT).await?, client.prepare(LOCK).await?);
        let (insert, update) = (client.prepare(INSERT).await?, client.prepare(UPDATE).await?);
        let remembered = client.prepare(REMEMBERED).await?;
        let heads = BTreeMap::new();
        Ok(Lane { client, heads, at_once, remembered, lock, insert, update })
    }

    async fn write_at_once(
        &self,
        counts: &BTreeMap<i64, i64>,
        events: &[(i64, i64)],
    ) -> anyhow::Result<()> {
        let (ids, counts): (Vec<i64>, Vec<i64>) = counts.iter().unzip();
        let (topics, offsets): (Vec<i64>, Vec<i64>) = events.iter().copied().unzip();
        let bodies = vec![&BODY[..]; events.len()];
        self.client
            .execute(&self.at_once, &[&ids, &counts, &STAMP, &TIME, &topics, &offsets, &bodies])
            .await?;
        Ok(())
    }

    async fn write_on_heads(
        &mut self,
        counts: &BTreeMap<i64, i64>,
        events: &[(i64, i64)],
    ) -> anyhow::Result<()> {
        let ids: Vec<i64> = counts.keys().copied().collect();
        let base = |topic: &i64| self.heads.get(topic).copied().unwrap_or_default();
        let bases: Vec<i64> = ids.iter().map(base).collect();
        let place = |(topic, number): &(i64, i64)| (*topic, base(topic) + number);
        let (topics, offsets): (Vec<i64>, Vec<i64>) = events.iter().map(place).unzip();
        let bodies = vec![&BODY[..]; events.len()];
        let heads: Vec<i64> = bases.iter().zip(counts.values()).map(|(base, n)| base + n).collect();
        let row: [Parameter<'_>; 8] =
            [&STAMP, &TIME, &ids, &heads, &bases, &topics, &offsets, &bodies];
        self.client.query(&self.remembered, &row).await?;
        self.heads.extend(ids.into_iter().zip(heads));
        Ok(())
    }

    async fn lock_and_write(
        &self,
        counts: &BTreeMap<i64, i64>,
        events: &[(i64, i64)],
    ) -> anyhow::Result<()> {
        let ids: Vec<i64> = counts.keys().copied().collect();
        let lock: [Parameter<'_>; 1] = [&ids];
        let (_, locked) =
            try_join!(self.client.batch_execute("BEGIN"), self.client.query(&self.lock, &lock),)?;
        let bases: BTreeMap<i64, i64> =
            locked.iter().map(|row| (row.get::<_, i64>(0), row.get::<_, i64>(1))).collect();
        let place = |(topic, number): &(i64, i64)| (*topic, bases[topic] + number);
        let (topics, offsets): (Vec<i64>, Vec<i64>) = events.iter().map(place).unzip();
        let bodies = vec![&BODY[..]; events.len()];
        let heads: Vec<i64> = counts.iter().map(|(topic, count)| bases[topic] + count).collect();
        let insert: [Parameter<'_>; 5] = [&STAMP, &TIME, &topics, &offsets, &bodies];
        let update: [Parameter<'_>; 3] = [&ids, &heads, &STAMP];
        try_join!(
            self.client.execute(&self.insert, &insert),
            self.client.execute(&self.update, &update),
            self.client.batch_execute("COMMIT"),
        )?;
        Ok(())
    }
}
