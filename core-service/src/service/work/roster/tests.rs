//! When a job may go to a worker without asking the store, and when it may not.

use super::*;
use crate::domain::cursor::Cursor;
use crate::domain::job::{Entry, QueueReason};
use crate::domain::time::Time;
use crate::domain::topic::{Kind, Topic};

const NOW: Time = Time(1_000_000);

fn spec(id: &str) -> Spec {
    Spec::new(id, "render", ("default", "alice"), NOW)
}

fn worker(id: &str, slots: usize) -> Worker {
    Worker { id: id.into(), kinds: vec!["render".into()], slots, tenant: None }
}

/// A dispatcher that looks, and finds nothing to give out.
fn look(roster: &Roster) {
    let look = roster.begin_look();
    roster.settle(&look);
}

/// The event that tells of a job, on its way through the tap.
fn told(job_id: &str, event: job::Event) -> Event {
    let entry =
        Entry { job_id: job_id.into(), state: State::Queued, attempt: 0, percent: 0.0, event };
    Event {
        topic: Topic::new("default", Kind::Job, job_id).expect("a topic"),
        cursor: Cursor { offset: 1, stamp: 1 },
        time: NOW,
        trace: None,
        kind: entry.event.kind().into(),
        body: Body::Job(Arc::new(entry)),
    }
}

fn requeued(job_id: &str) -> Event {
    told(job_id, job::Event::Queued { reason: QueueReason::Retry, run_at: NOW, error: None })
}

fn taker(roster: &Roster, spec: &Spec) -> Option<String> {
    roster.reserve(spec).map(|(_, worker)| worker.id)
}

#[test]
fn a_new_job_is_reserved_for_a_worker_that_found_nothing_else() {
    let roster = Roster::default();
    let (_seat, _notices) = roster.seat(worker("w", 2));
    assert_eq!(taker(&roster, &spec("early")), None, "nobody has looked");
    look(&roster);
    assert_eq!(taker(&roster, &spec("a")).as_deref(), Some("w"));
    assert_eq!(taker(&roster, &spec("b")).as_deref(), Some("w"));
    assert_eq!(taker(&roster, &spec("c")), None, "both slots are taken");
}

#[test]
fn no_new_job_overtakes_one_that_was_there_before() {
    let roster = Roster::default();
    let (_seat, _notices) = roster.seat(worker("w", 9));
    look(&roster);
    roster.hear(&requeued("older"));
    assert_eq!(taker(&roster, &spec("a")), None, "the older job comes first");
    let under_way = roster.begin_look();
    assert_eq!(taker(&roster, &spec("b")), None, "the look may find it a worker");
    roster.hear(&requeued("oldest"));
    roster.settle(&under_way);
    assert_eq!(taker(&roster, &spec("c")), None, "the look may have missed the other");
    look(&roster);
    assert_eq!(taker(&roster, &spec("d")).as_deref(), Some("w"));
}

#[test]
fn what_is_created_without_a_taker_is_news_and_what_is_reserved_is_none() {
    let roster = Roster::default();
    let (_seat, _notices) = roster.seat(worker("w", 9));
    look(&roster);
    let reserved = spec("a");
    assert!(taker(&roster, &reserved).is_some());
    roster.hear(&told("a", job::Event::Created(Arc::new(reserved))));
    assert!(taker(&roster, &spec("b")).is_some());
    roster.hear(&told("foreign", job::Event::Created(Arc::new(spec("foreign")))));
    assert_eq!(taker(&roster, &spec("c")), None);
}

#[test]
fn a_job_that_the_worker_cannot_take_is_not_reserved() {
    let roster = Roster::default();
    let (_seat, _notices) = roster.seat(worker("w", 9));
    look(&roster);
    let delayed = Spec { run_at: Time(NOW.0 + 1), ..spec("a") };
    let other_kind = Spec { kind: "sing".into(), ..spec("b") };
    let pinned = Spec { pinned_worker: Some("else".into()), ..spec("c") };
    for unfit in [delayed, other_kind, pinned] {
        assert_eq!(taker(&roster, &unfit), None, "{}", unfit.id);
    }
    let mine = Spec { pinned_worker: Some("w".into()), ..spec("d") };
    assert!(taker(&roster, &mine).is_some());
}

#[test]
fn a_slot_that_is_given_up_is_free_again_after_the_next_look() {
    let roster = Roster::default();
    let (_seat, _notices) = roster.seat(worker("w", 1));
    look(&roster);
    let (seat, _) = roster.reserve(&spec("a")).expect("reserved");
    roster.give_up(seat, "a");
    assert_eq!(taker(&roster, &spec("b")), None, "the job that was given up may still want it");
    look(&roster);
    assert!(taker(&roster, &spec("c")).is_some());
}

#[test]
fn jobs_spread_over_the_workers() {
    let roster = Roster::default();
    let seats: Vec<_> = ["v", "w"].map(|id| roster.seat(worker(id, 2))).into();
    look(&roster);
    let mut takers: Vec<_> =
        ["a", "b", "c", "d"].iter().filter_map(|id| taker(&roster, &spec(id))).collect();
    assert_ne!(takers[0], takers[1]);
    takers.sort();
    assert_eq!(takers, ["v", "v", "w", "w"]);
    drop(seats);
}

/// What another core tells, of an event at this offset.
fn heard(roster: &Roster, event: Event, offset: u64) {
    roster.hear(&Event { cursor: Cursor { offset, stamp: 2 }, ..event });
}

#[test]
fn what_is_older_than_a_lease_takes_nothing_from_its_worker_however_late_it_comes() {
    let roster = Roster::default();
    let (seat, mut notices) = roster.seat(worker("w", 1));
    roster.hold(seat, "a", 3, 7);
    let cancelled = job::CancelRequest { reason: String::new(), by: String::new() };
    for offset in [1, 7, 7] {
        heard(&roster, requeued("a"), offset);
        heard(&roster, told("a", job::Event::CancelRequested(cancelled.clone())), offset);
    }
    assert!(notices.try_recv().is_err());
    assert!(roster.hungry().is_empty(), "the slot is taken");
    heard(&roster, told("a", job::Event::CancelRequested(cancelled)), 8);
    assert!(matches!(notices.try_recv(), Ok(Notice::CancelRequested { .. })));
    heard(&roster, requeued("a"), 9);
    assert!(matches!(notices.try_recv(), Ok(Notice::Lost { fence: 3, .. })));
    assert_eq!(roster.hungry().len(), 1);
    heard(&roster, requeued("a"), 9);
    assert!(notices.try_recv().is_err(), "told once");
}

#[test]
fn a_slot_is_free_again_when_nobody_told_that_its_lease_is_over() {
    let roster = Roster::default();
    let (seat, _notices) = roster.seat(worker("w", 2));
    roster.hold(seat, "a", 1, 1);
    roster.hold(seat, "b", 1, 1);
    roster.lose("a", 2);
    assert!(roster.hungry().is_empty(), "another lease of the same job");
    roster.lose("a", 1);
    assert_eq!(roster.hungry()[0].free, 1);
    roster.forget_lapsed(Instant::now() + LAPSED / 2);
    assert_eq!(roster.hungry()[0].free, 1, "it may go on");
    roster.forget_lapsed(Instant::now() + LAPSED * 2);
    assert_eq!(roster.hungry()[0].free, 2);
}

#[test]
fn types_that_concern_the_roster_are_those_that_it_hears() {
    let cancelled = job::CancelRequest { reason: String::new(), by: String::new() };
    let heard = [
        job::Event::Created(Arc::new(spec("a"))),
        job::Event::Queued { reason: QueueReason::Due, run_at: NOW, error: None },
        job::Event::CancelRequested(cancelled),
        job::Event::Completed { result: None },
        job::Event::Cancelled { reason: String::new(), mode: job::CancelMode::Forced },
    ];
    assert!(heard.iter().all(|event| Roster::hears(event.kind())));
    assert!(Roster::hears("job.failed"));
    assert!(!Roster::hears(job::Event::Started { worker: "w".into() }.kind()));
}

#[test]
fn a_worker_that_says_nothing_of_what_it_holds_gets_no_other_job_before_it_speaks() {
    let roster = Roster::default();
    let (seat, _notices) = roster.seat(worker("w", 2));
    let error = job::Fault { code: "worker_lost".into(), message: String::new(), retryable: true };
    roster.hold(seat, "a", 1, 0);
    roster.note_silent(Instant::now() + SILENT / 2);
    assert_eq!(roster.hungry().len(), 1, "its next beat may be on its way");
    roster.note_silent(Instant::now() + SILENT * 2);
    assert!(roster.hungry().is_empty());
    roster.hear(&told("a", job::Event::Failed { error }));
    assert!(roster.hungry().is_empty(), "however the job leaves it");
    look(&roster);
    assert_eq!(taker(&roster, &spec("b")), None, "nor a new one");
    roster.heard(seat);
    roster.note_silent(Instant::now() + SILENT * 2);
    assert_eq!(roster.hungry()[0].free, 2, "who holds nothing has nothing to say");
}

#[test]
fn a_job_that_goes_to_another_worker_leaves_the_first_ones_slot() {
    let roster = Roster::default();
    let (first, _first) = roster.seat(worker("w1", 1));
    let (second, _second) = roster.seat(worker("w2", 1));
    roster.hold(first, "a", 1, 1);
    roster.hold(second, "a", 2, 1);
    let free: Vec<_> = roster.hungry().iter().map(|hungry| hungry.seat).collect();
    assert_eq!(free, [first]);
    roster.lose("a", 1);
    roster.leave(first);
    assert!(!roster.is_idle(second), "the job is its own");
    roster.lose("a", 2);
    assert!(roster.is_idle(second));
}
