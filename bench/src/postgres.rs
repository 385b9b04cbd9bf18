//! Durable commits of a cluster's store, beside what the same PostgreSQL does at best for a writer of the
//! same kind, one transaction for each event, and Redis Streams that sync before they answer.

mod each;
mod lanes;
mod streams;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use roomcast_core::store::postgres::{PostgresConfig, PostgresStore};

use self::each::Each;
use self::lanes::{Lanes, Way};
use self::streams::Streams;
use crate::figure::Figure;
use crate::load::{Operation, closed_loop, is_among};
use crate::server::{self, durable_redis};
use crate::store::Publish;

const ROWS: [&str; 8] = [STREAMS, EACH, BLIND, LOCKED, REMEMBERED, STORE, TWO_CORES, THREE_CORES];
const STREAMS: &str = "Redis Streams, synced before the answer";
const EACH: &str = "a transaction for each event";
const BLIND: &str = "bare lanes, a statement that finds the heads";
const LOCKED: &str = "bare lanes, locks and then writes";
const REMEMBERED: &str = "bare lanes, the store's statement on known heads";
const STORE: &str = "store, publish";
const TWO_CORES: &str = "stores of 2 cores, publish";
const THREE_CORES: &str = "stores of 3 cores, publish";
/// What is compared.
const RATIOS: [(&str, &str); 7] = [
    (STORE, REMEMBERED),
    (STORE, LOCKED),
    (STORE, BLIND),
    (STORE, EACH),
    (STORE, STREAMS),
    (TWO_CORES, STORE),
    (THREE_CORES, STORE),
];
/// Publishers before the measurement, and for how long: topics are made by who first publishes to them.
const FIRST: usize = 64;
const WARM: Duration = Duration::from_secs(2);
/// Times that each row has its turn, forwards and backwards: what one leaves to the disk, and the disk's own
/// moods, meet all of them.
const TURNS: u32 = 4;
/// For what a row left to the disk to be written.
const SETTLE: Duration = Duration::from_millis(250);

/// Measures the rows whose name contains one of `only`, with each number of publishers, and answers a Markdown
/// table. The servers' files lie on the disk of `on`.
pub(crate) async fn measure(
    on: &Path,
    span: Duration,
    only: &[String],
    publishers: &[usize],
) -> anyhow::Result<String> {
    let postgres = server::postgres(on);
    let counts: Vec<String> = publishers.iter().map(ToString::to_string).collect();
    let mut page = format!("\n| appends to PostgreSQL, publishers: | {} |\n", counts.join(" | "));
    writeln!(page, "|---|{}", "---|".repeat(counts.len()))?;
    let mut rows: Vec<Row> = Vec::new();
    for (number, name) in ROWS.into_iter().enumerate().filter(|(_, name)| is_among(name, only)) {
        let url = server::create(&postgres, &format!("row_{number}"));
        let operation = open(name, on, &url).await?;
        closed_loop(operation.clone(), FIRST, WARM).await?;
        rows.push(Row { name, operation, figures: Vec::new() });
    }
    for publishers in publishers {
        let mut figures: Vec<Option<Figure>> = vec![None; rows.len()];
        for _ in 0..TURNS {
            for (row, so_far) in rows.iter().zip(&mut figures) {
                let turn = closed_loop(row.operation.clone(), *publishers, span / TURNS).await?;
                *so_far = Some(match so_far.take() {
                    Some(so_far) => so_far.and(turn),
                    None => turn,
                });
                tokio::time::sleep(SETTLE).await;
            }
            rows.reverse();
            figures.reverse();
        }
        for (row, figure) in rows.iter_mut().zip(figures) {
            row.figures.extend(figure);
        }
    }
    for row in &rows {
        let cells: Vec<String> = row.figures.iter().map(Figure::cell).collect();
        writeln!(page, "| {} | {} |", row.name, cells.join(" | "))?;
    }
    let find = |name| rows.iter().find(|row| row.name == name);
    for (ours, other) in RATIOS {
        if let (Some(ours), Some(other)) = (find(ours), find(other)) {
            let ratios = Figure::ratios(&ours.figures, &other.figures);
            writeln!(page, "| ratio: {} / {} | {ratios} |", ours.name, other.name)?;
        }
    }
    Ok(page)
}

/// One line of the table under way.
struct Row {
    name: &'static str,
    operation: Arc<dyn Operation>,
    figures: Vec<Figure>,
}

/// Makes what a row measures ready, in a database of its own.
async fn open(name: &str, on: &Path, url: &str) -> anyhow::Result<Arc<dyn Operation>> {
    Ok(match name {
        STREAMS => Arc::new(Streams::open(durable_redis(on)).await?),
        EACH => Arc::new(Each::open(url).await?),
        BLIND => Arc::new(Lanes::open(url, Way::Blind).await?),
        LOCKED => Arc::new(Lanes::open(url, Way::Locked).await?),
        REMEMBERED => Arc::new(Lanes::open(url, Way::Remembered).await?),
        STORE => Arc::new(Cores::open(url, 1)?),
        TWO_CORES => Arc::new(Cores::open(url, 2)?),
        THREE_CORES => Arc::new(Cores::open(url, 3)?),
        unknown => anyhow::bail!("no row is called {unknown}"),
    })
}

/// The stores of so many cores on one database, each with its share of the publishers.
struct Cores(Vec<Publish>);

impl Cores {
    fn open(url: &str, count: usize) -> anyhow::Result<Cores> {
        let stores = (0..count).map(|_| {
            let store = PostgresStore::open(PostgresConfig::new(url), Arc::new(|_| {}))?;
            Publish::new(Arc::new(store))
        });
        Ok(Cores(stores.collect::<anyhow::Result<_>>()?))
    }
}

#[async_trait::async_trait]
impl Operation for Cores {
    async fn run(&self, publisher: usize, round: u64) -> anyhow::Result<()> {
        self.0[publisher % self.0.len()].run(publisher, round).await
    }
}
