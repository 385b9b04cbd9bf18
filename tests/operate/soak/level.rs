//! A core that meets more and more topics: its memory levels off where all that it keeps of them is full.

use std::fs;
use std::ops::Range;

use futures::{StreamExt as _, stream};
use roomcast_proto::v1::{ListEventsRequest, NewEvent, Payload, PublishRequest};

use crate::support::evidence::{length, proves};
use crate::support::{Core, Evidence};

/// Calls at once.
const ABREAST: usize = 64;
/// Content of the one event of each room.
const EVENT_BYTES: usize = 800;
/// The last steps: the writer has all the pages and all the topics that it keeps.
const LEVEL_STEPS: usize = 4;
/// In these: readers give their pages back with a commit, and take others.
const LEVEL_MORE: u64 = 16 << 20;
/// 64 MiB of pages and 32 MB of topics at the writer, 8 MiB of pages at each of four readers, and half as much
/// again for what is around all of it.
const MEMORY_MAX: u64 = 200 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_memory_of_a_core_levels_off_however_many_topics_there_are() {
    let (steps, rooms) = length((2, 300), (16, 5000));
    let mut core = Core::start_with(&["--requests-per-second", "0"]).await;
    let mut held = vec![memory(&mut core)];
    for step in 0..steps {
        fill(&core, step * rooms..(step + 1) * rooms).await;
        held.push(memory(&mut core));
        eprintln!("{} rooms: {:.1} MB", (step + 1) * rooms, megabytes(held[step + 1]));
    }
    let most = held.iter().copied().max().unwrap_or_default();
    assert!(most <= MEMORY_MAX, "{held:?}");
    if proves() {
        let level = &held[steps - LEVEL_STEPS..];
        assert!(level.iter().all(|now| *now <= level[0] + LEVEL_MORE), "{held:?}");
    }
    let figures: Vec<_> = held.iter().map(|held| format!("{:.1}", megabytes(*held))).collect();
    let called = "memory of the core, without its program, in MB: before, and after each of them";
    Evidence::of("The core's memory", "the_memory_of_a_core_levels_off")
        .row("rooms, each published to once and read once, in each step", rooms)
        .row("content of an event, in bytes", EVENT_BYTES)
        .row(called, figures.join(" · "))
        .write("memory");
}

/// Publishes to rooms that nobody has used before, and reads each.
async fn fill(core: &Core, rooms: Range<usize>) {
    let data = format!(r#"{{"n":"{}"}}"#, "x".repeat(EVENT_BYTES));
    let (broadcast, topic) = (core.broadcast(), |number: usize| format!("room:r-{number}"));
    let publishing = rooms.clone().map(async |number| {
        let payload = Payload { content_type: String::new(), data: data.clone().into() };
        let request = PublishRequest {
            topic: topic(number),
            event: Some(NewEvent { r#type: "said".to_owned(), payload: Some(payload) }),
            idempotency_key: number.to_string(),
            ..PublishRequest::default()
        };
        broadcast.clone().publish(request).await.expect("published");
    });
    stream::iter(publishing).buffer_unordered(ABREAST).collect::<()>().await;
    let reading = rooms.map(async |number| {
        let request = ListEventsRequest { topic: topic(number), ..ListEventsRequest::default() };
        let answer = broadcast.clone().list_events(request).await.expect("read").into_inner();
        assert_eq!(answer.events.len(), 1);
    });
    stream::iter(reading).buffer_unordered(ABREAST).collect::<()>().await;
}

/// Resident memory of the process, but for its program and its files.
fn memory(core: &mut Core) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", core.process().id()));
    let status = status.expect("a running process");
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kilobytes = kilobytes.and_then(|text| text.trim().strip_suffix(" kB"));
    kilobytes.and_then(|text| text.parse::<u64>().ok()).expect("a number") * 1024
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
