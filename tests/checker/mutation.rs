//! The checker, checked: random correct histories are accepted, and each of them with one event
//! dropped, doubled, swapped or altered is rejected.

use proptest::prelude::*;
use proptest::sample::Index;

use super::{Entry, Event, History, Outcome, Publish, Stream, Violation, check};

const TOPIC: &str = "room:mutated";

/// What becomes of one publish: when it begins, how long until it is durable, how long until its
/// publisher knows, and whether the publisher ever knows.
type Plan = (u64, u64, u64, bool);

fn plans() -> impl Strategy<Value = Vec<Plan>> {
    prop::collection::vec((0..500_u64, 1..50_u64, 1..50_u64, prop::bool::weighted(0.85)), 4..60)
}

/// A history as a correct system makes it: the log in the order of commits, whose times lie between
/// each publish's beginning and its acknowledgement.
fn correct(plans: &[Plan], begins: &[Index]) -> History {
    let mut commits: Vec<(u64, usize)> = plans
        .iter()
        .enumerate()
        .map(|(at, (started, commit, ..))| (started + commit, at))
        .collect();
    commits.sort_unstable();
    let log: Vec<Event> = (1..)
        .zip(&commits)
        .map(|(offset, (_, at))| Event {
            offset,
            cursor: format!("cursor-{offset}"),
            content: format!("content-{at}"),
            is_end: false,
        })
        .collect();
    let publishes = (1..).zip(&commits).map(|(offset, (committed, at))| {
        let (started_at, _, ack, is_known) = plans[*at];
        let acked =
            Outcome::Acked { at: committed + ack, offset, cursor: format!("cursor-{offset}") };
        Publish {
            topic: TOPIC.to_owned(),
            content: format!("content-{at}"),
            started_at,
            outcome: if is_known { acked } else { Outcome::Unknown },
        }
    });
    let streams = begins.iter().enumerate().map(|(who, begin)| {
        let after = begin.index(log.len());
        Stream {
            who: format!("subscriber-{who}"),
            topic: TOPIC.to_owned(),
            after: Some(after as u64),
            entries: log[after..].iter().map(received).collect(),
            is_complete: true,
        }
    });
    History {
        publishes: publishes.collect(),
        streams: streams.collect(),
        logs: [(TOPIC.to_owned(), log)].into(),
    }
}

fn received(event: &Event) -> Entry {
    Entry::Event { cursor: event.cursor.clone(), content: event.content.clone() }
}

fn histories() -> impl Strategy<Value = History> {
    (plans(), prop::collection::vec(any::<Index>(), 1..4))
        .prop_map(|(plans, begins)| correct(&plans, &begins))
}

/// One wrong thing.
#[derive(Debug, Clone, Copy)]
enum Mutation {
    Drop,
    Double,
    Swap,
    Alter,
}

fn mutations() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        Just(Mutation::Drop),
        Just(Mutation::Double),
        Just(Mutation::Swap),
        Just(Mutation::Alter)
    ]
}

/// Applies a mutation at a place; false when the list is too short for it.
fn mutate<T: Clone>(
    mutation: Mutation,
    list: &mut Vec<T>,
    at: usize,
    alter: impl Fn(&mut T),
) -> bool {
    match mutation {
        Mutation::Drop => drop(list.remove(at)),
        Mutation::Double => list.insert(at, list[at].clone()),
        Mutation::Alter => alter(&mut list[at]),
        Mutation::Swap if list.len() < 2 => return false,
        Mutation::Swap => {
            let other = (at + 1) % list.len();
            list.swap(at, other);
        }
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_correct_history_is_accepted(history in histories()) {
        prop_assert_eq!(check(&history), Vec::<Violation>::new());
    }

    #[test]
    fn a_log_with_one_acknowledged_event_dropped_doubled_swapped_or_altered_is_rejected(
        mut history in histories(), mutation in mutations(), which in any::<Index>(),
    ) {
        let acked: Vec<usize> = history.publishes.iter().filter_map(|publish| match &publish.outcome {
            Outcome::Acked { offset, .. } => Some(usize::try_from(*offset).unwrap() - 1),
            Outcome::Refused | Outcome::Unknown => None,
        }).collect();
        prop_assume!(!acked.is_empty());
        // Nobody else watches: the publishers' own acknowledgements must be enough.
        history.streams.clear();
        let log = history.logs.get_mut(TOPIC).unwrap();
        let at = acked[which.index(acked.len())];
        prop_assume!(mutate(mutation, log, at, |event| event.content.push('x')));
        prop_assert_ne!(check(&history), Vec::<Violation>::new());
    }

    #[test]
    fn a_stream_with_one_event_dropped_doubled_swapped_or_altered_is_rejected(
        mut history in histories(), mutation in mutations(), who in any::<Index>(), which in any::<Index>(),
    ) {
        let who = who.index(history.streams.len());
        let entries = &mut history.streams[who].entries;
        prop_assume!(!entries.is_empty());
        let at = which.index(entries.len());
        prop_assume!(mutate(mutation, entries, at, |entry| {
            if let Entry::Event { content, .. } = entry { content.push('x') }
        }));
        prop_assert_ne!(check(&history), Vec::<Violation>::new());
    }

    #[test]
    fn an_acknowledgement_that_comes_before_an_earlier_event_began_is_rejected(
        mut history in histories(), which in any::<Index>(),
    ) {
        let latest = history.publishes.iter().map(|publish| publish.started_at).max().unwrap();
        prop_assume!(history.publishes.len() > 1);
        let at = which.index(history.publishes.len() - 1);
        // The one in front begins only after all others were acknowledged.
        history.publishes[at].started_at = latest + 1000;
        let is_visible = history.publishes[at + 1..]
            .iter()
            .any(|publish| matches!(publish.outcome, Outcome::Acked { .. }));
        prop_assume!(is_visible);
        prop_assert_ne!(check(&history), Vec::<Violation>::new());
    }

    #[test]
    fn a_second_end_of_a_job_or_anything_after_its_end_is_rejected(
        mut history in histories(), which in any::<Index>(),
    ) {
        let log = history.logs.get_mut(TOPIC).unwrap();
        log.last_mut().unwrap().is_end = true;
        prop_assert_eq!(check(&history), Vec::<Violation>::new());
        let log = history.logs.get_mut(TOPIC).unwrap();
        let before = which.index(log.len() - 1);
        log[before].is_end = true;
        prop_assert_ne!(check(&history), Vec::<Violation>::new());
    }
}

#[test]
fn a_refused_event_that_is_in_the_log_all_the_same_is_rejected() {
    let mut history = correct(&[(0, 1, 1, true), (5, 1, 1, true)], &[]);
    history.publishes[0].outcome = Outcome::Refused;
    assert!(matches!(check(&history)[..], [Violation::RefusedYetThere { .. }]));
}

#[test]
fn a_reset_moves_a_stream_openly_and_a_silent_hole_does_not() {
    let mut history = correct(&[(0, 1, 1, true), (5, 1, 1, true), (9, 1, 1, true)], &[]);
    let log = history.logs[TOPIC].clone();
    let mut stream = Stream {
        who: "subscriber".to_owned(),
        topic: TOPIC.to_owned(),
        after: Some(0),
        entries: vec![
            received(&log[0]),
            Entry::Reset { cursor: log[1].cursor.clone() },
            received(&log[2]),
        ],
        is_complete: true,
    };
    history.streams = vec![stream.clone()];
    assert_eq!(check(&history), []);
    stream.entries.remove(1);
    history.streams = vec![stream];
    assert!(matches!(check(&history)[..], [Violation::NotNext { after: 1, found: 3, .. }]));
}
