//! Durable commits: the raw disk, bare SQLite writers, the store in process, and through gRPC.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::bare::{Bare, Writes};
use crate::disk::{self, Group};
use crate::figure::Figure;
use crate::load::{Operation, closed_loop, is_among};
use crate::rpc;
use crate::store::{self, Jobs, Publish};

/// What is measured, in the order of the table.
const ROWS: [&str; 7] = [GROUP, BARE_EVENT, PUBLISH, BARE_STATE, BARE_REPORT, REPORT, THROUGH_GRPC];
const GROUP: &str = "raw fdatasync, grouped";
const BARE_EVENT: &str = "bare SQLite, event";
const PUBLISH: &str = "store, publish";
const BARE_STATE: &str = "bare SQLite, state and event";
const BARE_REPORT: &str = "bare SQLite, a report's rows";
const REPORT: &str = "store, job report with output";
const THROUGH_GRPC: &str = "through gRPC, publish";

/// The store's rows, each with the bare writer to compare it with.
const RATIOS: [(&str, &str); 3] =
    [(PUBLISH, BARE_EVENT), (REPORT, BARE_REPORT), (REPORT, BARE_STATE)];

/// Measures the rows whose name contains one of `only`, with each number of publishers, and answers a Markdown
/// table. Rows that are compared with each other run one after the other: a disk is not always equally
/// fast.
pub(crate) async fn measure(
    folder: &Path,
    span: Duration,
    only: &[String],
    publishers: &[usize],
) -> anyhow::Result<String> {
    let counts: Vec<String> = publishers.iter().map(ToString::to_string).collect();
    let mut page = format!("\n| durable appends, publishers: | {} |\n", counts.join(" | "));
    writeln!(page, "|---|{}", "---|".repeat(counts.len()))?;
    let alone = disk::alone(folder, span)?;
    writeln!(
        page,
        "| raw fdatasync, one by one | {} |{}",
        alone.cell(),
        " – |".repeat(counts.len().saturating_sub(1))
    )?;
    let mut rows: Vec<Row> = Vec::new();
    for name in ROWS.into_iter().filter(|name| is_among(name, only)) {
        let operation = open(name, &folder.join(rows.len().to_string())).await?;
        rows.push(Row { name, operation, figures: Vec::new() });
    }
    for publishers in publishers {
        for row in &mut rows {
            row.figures.push(closed_loop(row.operation.clone(), *publishers, span).await?);
        }
    }
    for row in &rows {
        let cells: Vec<String> = row.figures.iter().map(Figure::cell).collect();
        writeln!(page, "| {} | {} |", row.name, cells.join(" | "))?;
    }
    let find = |name| rows.iter().find(|row| row.name == name);
    for (ours, bare) in RATIOS {
        if let (Some(ours), Some(bare)) = (find(ours), find(bare)) {
            let ratios = Figure::ratios(&ours.figures, &bare.figures);
            writeln!(page, "| ratio: {} / {} | {ratios} |", ours.name, bare.name)?;
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

/// Makes what a row measures ready, in a folder of its own.
async fn open(name: &str, folder: &Path) -> anyhow::Result<Arc<dyn Operation>> {
    std::fs::create_dir(folder)?;
    Ok(match name {
        GROUP => Arc::new(Group::open(folder)?),
        BARE_EVENT => Arc::new(Bare::open(folder, Writes::Event)?),
        PUBLISH => Arc::new(Publish::new(store::open(folder)?)?),
        BARE_STATE => Arc::new(Bare::open(folder, Writes::StateAndEvent)?),
        BARE_REPORT => Arc::new(Bare::open(folder, Writes::Report)?),
        REPORT => Arc::new(Jobs::create(store::open(folder)?).await?),
        THROUGH_GRPC => Arc::new(rpc::Publish::serve(folder).await?),
        unknown => anyhow::bail!("no row is called {unknown}"),
    })
}
