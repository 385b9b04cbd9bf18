//! Acknowledgements while a store tidies up: a room of a million events that are past their retention
//! goes, and the write-ahead log is copied into the file. Beside them, the same store at rest.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use roomcast_core::alarm::Alarm;
use roomcast_core::bus::Bus;
use roomcast_core::domain::event::{Body, NewEvent};
use roomcast_core::domain::payload::Payload;
use roomcast_core::domain::retention::Retention;
use roomcast_core::domain::topic::{Kind, Topic};
use roomcast_core::log::{Log, now};
use roomcast_core::maintenance::{cleaner, leadership::Leadership};
use roomcast_core::store::Store;
use roomcast_core::store::commit::{Action, Command};
use roomcast_core::store::sqlite::{SqliteConfig, SqliteStore};
use tokio_util::sync::CancellationToken;

use crate::body::BODY;
use crate::figure::Figure;
use crate::load::{Operation, closed_loop, open_loop};
use crate::store::Publish;

/// The one core's number.
const CORE: u64 = 1;
const OLD_EVENTS: usize = 1_000_000;
/// Of one commit while the room fills.
const BATCH: usize = 1000;
/// For what the filling left to the disk to be written.
const SETTLE: Duration = Duration::from_secs(5);
const PER_SECOND: u32 = 1000;
const PUBLISHERS: usize = 64;

/// Measures and answers a Markdown table.
pub(crate) async fn measure(folder: &Path, span: Duration) -> anyhow::Result<String> {
    let is_long_ago = Arc::new(AtomicBool::new(true));
    let (past, age) = (Arc::clone(&is_long_ago), Retention::of(Kind::Room).age);
    let clock = move || if past.load(Ordering::Relaxed) { now() - age } else { now() };
    let config = SqliteConfig::new(folder.join("maintenance"));
    let store = Arc::new(SqliteStore::open(config, Arc::new(clock), Arc::new(|_| {}))?);
    let old = Topic::new("default", Kind::Room, "old")?;
    fill(&store, &old).await?;
    is_long_ago.store(false, Ordering::Relaxed);
    tokio::time::sleep(SETTLE).await;

    let publish = Arc::new(Publish::new(store.clone())?);
    let mut page = format!(
        "\n| acknowledgement | rate (p50/p99 ms) | longest |\n|---|---|---|\n{}",
        rows("at rest", &publish, span).await?
    );
    let stop = CancellationToken::new();
    let log = Log::new(store.clone(), Bus::default(), Alarm::default());
    let leadership = Leadership::default();
    let leading = tokio::spawn(leadership.clone().run(log.clone(), CORE, stop.clone()));
    let cleaning = tokio::spawn(cleaner::run(log, leadership, stop.clone()));
    page += &rows("a million old events go", &publish, span).await?;
    stop.cancel();
    cleaning.await?;
    leading.await?;
    let gone = store.position(&old, None).await?.floor;
    writeln!(page, "\n{gone} of {OLD_EVENTS} went meanwhile.")?;
    Ok(page)
}

async fn fill(store: &SqliteStore, topic: &Topic) -> anyhow::Result<()> {
    let body = Body::Payload(Payload::json(Bytes::from_static(&BODY)));
    let event = NewEvent { kind: "tick".into(), body };
    for _ in 0..OLD_EVENTS / BATCH {
        let (topic, events) = (topic.clone(), vec![event.clone(); BATCH]);
        let action = Action::Publish { topic, events, expected_offset: None };
        store.commit(Command { action, idempotency: None, trace: None }).await?;
    }
    Ok(())
}

/// A steady rate, then as many publishers as a busy core has.
async fn rows(what: &str, publish: &Arc<Publish>, span: Duration) -> anyhow::Result<String> {
    let row = |load: String, figure: Figure| {
        let longest = figure.at(1.0).as_secs_f64() * 1000.0;
        format!("| {what}, {load} | {} | {longest:.2} ms |\n", figure.cell())
    };
    let steady = row(format!("{PER_SECOND}/s"), steady(publish, span).await?);
    let busy = closed_loop(publish.clone(), PUBLISHERS, span).await?;
    Ok(steady + &row(format!("{PUBLISHERS} publishers"), busy))
}

async fn steady(publish: &Arc<Publish>, span: Duration) -> anyhow::Result<Figure> {
    let (heard, mut latencies) = tokio::sync::mpsc::channel(PER_SECOND as usize);
    let begin = Instant::now();
    let listening = tokio::spawn(async move {
        let mut all = Vec::new();
        while let Some(latency) = latencies.recv().await {
            all.push(latency);
        }
        all
    });
    open_loop(PER_SECOND, span, |number| {
        let (publish, heard) = (publish.clone(), heard.clone());
        async move {
            let begin = Instant::now();
            publish.run(0, number).await?;
            Ok(heard.send(begin.elapsed()).await?)
        }
    })
    .await?;
    drop(heard);
    Ok(Figure::new(listening.await?, begin.elapsed()))
}
