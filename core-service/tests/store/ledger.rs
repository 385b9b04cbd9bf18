//! What was acknowledged, and whether a store still has it.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use roomcast_core::domain::event::{Body, Event};
use roomcast_core::domain::job::{self, Job};
use roomcast_core::domain::topic::{Kind, Topic};
use roomcast_core::store::{PageLimit, Store};

pub(crate) const TENANT: &str = "acme";

/// Something that a writer was told is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Acknowledged {
    /// An event of a room.
    Event { room: String, offset: u64, stamp: u32, text: String },
    /// A job, its head and the last report applied.
    Job { job_id: String, offset: u64, stamp: u32, report: u64 },
}

impl fmt::Display for Acknowledged {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Acknowledged::Event { room, offset, stamp, text } => {
                write!(formatter, "event {room} {offset} {stamp} {text} end")
            }
            Acknowledged::Job { job_id, offset, stamp, report } => {
                write!(formatter, "job {job_id} {offset} {stamp} {report} end")
            }
        }
    }
}

impl Acknowledged {
    /// Reads a line; none if it is cut off or the test harness's own.
    pub(crate) fn parse(line: &str) -> Option<Acknowledged> {
        let words: Vec<_> = line.strip_suffix(" end")?.split(' ').collect();
        let [what, name, offset, stamp, last] = words[..] else { return None };
        let (offset, stamp) = (offset.parse().ok()?, stamp.parse().ok()?);
        match what {
            "event" => {
                Some(Acknowledged::Event { room: name.into(), offset, stamp, text: last.into() })
            }
            "job" => {
                let report = last.parse().ok()?;
                Some(Acknowledged::Job { job_id: name.into(), offset, stamp, report })
            }
            _ => None,
        }
    }
}

/// How many of the acknowledged are not there. Panics at a hole, a repetition, or a state that its
/// log does not tell.
pub(crate) async fn count_lost(store: &dyn Store, acknowledged: &[Acknowledged]) -> usize {
    let mut lost = 0;
    let mut rooms = std::collections::HashMap::new();
    for one in acknowledged {
        match one {
            Acknowledged::Event { room, offset, stamp, text } => {
                if !rooms.contains_key(room) {
                    rooms.insert(room.clone(), read_room(store, room).await);
                }
                let found = usize::try_from(*offset).ok().and_then(|at| rooms[room].get(at - 1));
                let is_there = found.is_some_and(|event| {
                    event.cursor.stamp == *stamp && said(event) == format!("\"{text}\"")
                });
                lost += usize::from(!is_there);
            }
            Acknowledged::Job { job_id, offset, report, .. } => {
                let stored = store.job(job_id).await.expect("read");
                let is_there = stored.is_some_and(|stored| {
                    let custody = &stored.record.custody;
                    stored.cursor.offset >= *offset && custody.report >= *report
                });
                lost += usize::from(!is_there);
            }
        }
    }
    check_jobs(store, acknowledged).await;
    lost
}

fn said(event: &Event) -> String {
    let Body::Payload(payload) = &event.body else { panic!("{event:?} is no payload") };
    String::from_utf8(payload.data.to_vec()).expect("text")
}

async fn read_room(store: &dyn Store, room: &str) -> Vec<Arc<Event>> {
    let topic = Topic::new(TENANT, Kind::Room, room).expect("a topic");
    let log = read_whole(store, &topic).await;
    let texts: HashSet<_> = log.iter().map(|event| said(event)).collect();
    assert_eq!(texts.len(), log.len(), "an event is there twice");
    log
}

async fn read_whole(store: &dyn Store, topic: &Topic) -> Vec<Arc<Event>> {
    let mut log: Vec<Arc<Event>> = Vec::new();
    loop {
        let page = store.read(topic, log.len() as u64, PageLimit::REPLAY).await.expect("no hole");
        assert_eq!(page.floor, 0);
        log.extend(page.events);
        if log.len() as u64 == page.head.offset {
            break;
        }
    }
    for (offset, event) in (1..).zip(&log) {
        assert_eq!(event.cursor.offset, offset, "offsets are 1 to the head");
    }
    log
}

/// Each job is what its log folds into.
async fn check_jobs(store: &dyn Store, acknowledged: &[Acknowledged]) {
    let ids = acknowledged.iter().filter_map(|one| match one {
        Acknowledged::Job { job_id, .. } => Some(job_id),
        Acknowledged::Event { .. } => None,
    });
    for id in ids.collect::<HashSet<_>>() {
        let Some(stored) = store.job(id).await.expect("read") else { continue };
        let topic = Topic::new(TENANT, Kind::Job, id).expect("a topic");
        let log = read_whole(store, &topic).await;
        assert_eq!(log.last().map(|event| event.cursor), Some(stored.cursor));
        let mut folded: Option<Job> = None;
        for event in &log {
            let Body::Job(entry) = &event.body else { panic!("{event:?} is no entry") };
            match (&mut folded, &entry.event) {
                (None, job::Event::Created(spec)) => folded = Some(Job::created(spec.clone())),
                (Some(job), fact) => job.apply(fact, event.time),
                (None, fact) => panic!("a log begins with {fact:?}"),
            }
        }
        assert_eq!(folded.as_ref(), Some(&stored.record.job), "the state is what the log tells");
    }
}

#[test]
fn a_line_that_is_cut_off_acknowledges_nothing() {
    let room = "r1".to_owned();
    let event = Acknowledged::Event { room, offset: 12, stamp: 34, text: "1.2.3".into() };
    let line = event.to_string();
    assert_eq!(Acknowledged::parse(&line), Some(event));
    for end in 0..line.len() {
        assert_eq!(Acknowledged::parse(&line[..end]), None);
    }
    assert_eq!(Acknowledged::parse("running 1 test"), None);
}
