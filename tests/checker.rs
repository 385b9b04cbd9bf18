//! The judge of recorded histories: pure, so that it can be judged itself.
//!
//! A [`History`] is what the outside saw: every publish with its outcome, every log as it was read at
//! the end, every stream as its application received it. [`check`] says what of that contradicts the
//! guarantees; an empty answer is a clean run. Appends answer their offset, so real-time order is a
//! linear scan and no search.

mod history;
mod violation;

mod mutation;

use std::collections::{BTreeMap, HashMap};

pub(crate) use self::history::{Entry, Event, History, Outcome, Publish, Stream};
pub(crate) use self::violation::Violation;

/// Everything in `history` that contradicts the guarantees.
pub(crate) fn check(history: &History) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (topic, log) in &history.logs {
        let publishes: Vec<&Publish> =
            history.publishes.iter().filter(|publish| publish.topic == *topic).collect();
        check_log(topic, log, &mut violations);
        if !publishes.is_empty() {
            check_publishes(topic, log, &publishes, &mut violations);
        }
    }
    for publish in &history.publishes {
        if !history.logs.contains_key(&publish.topic) {
            violations.push(Violation::NoLog { topic: publish.topic.clone() });
        }
    }
    for stream in &history.streams {
        match history.logs.get(&stream.topic) {
            Some(log) => check_stream(stream, log, &mut violations),
            None => violations.push(Violation::NoLog { topic: stream.topic.clone() }),
        }
    }
    violations
}

/// Offsets without a gap, cursors that name one event each, and at most one end, which is last.
fn check_log(topic: &str, log: &[Event], violations: &mut Vec<Violation>) {
    for pair in log.windows(2) {
        if pair[1].offset != pair[0].offset + 1 {
            violations.push(Violation::OffsetGap {
                topic: topic.to_owned(),
                after: pair[0].offset,
                found: pair[1].offset,
            });
        }
    }
    let mut cursors = HashMap::new();
    for event in log {
        if let Some(first) = cursors.insert(&event.cursor, event.offset) {
            let (topic, offsets) = (topic.to_owned(), (first, event.offset));
            violations.push(Violation::CursorTwice { topic, offsets });
        }
    }
    let ended = log.iter().position(|event| event.is_end);
    if let Some(after) = ended.and_then(|at| log.get(at + 1)) {
        let topic = topic.to_owned();
        violations.push(Violation::AfterTheEnd { topic, offset: after.offset });
    }
}

/// Each acknowledged publish is there once, where its answer said; each other one at most once, and a
/// refused one not at all; nothing is there that nobody published.
fn check_publishes(
    topic: &str,
    log: &[Event],
    publishes: &[&Publish],
    violations: &mut Vec<Violation>,
) {
    let mut places: HashMap<&str, Vec<&Event>> = HashMap::new();
    for event in log {
        places.entry(&event.content).or_default().push(event);
    }
    let mut known = BTreeMap::new();
    for publish in publishes {
        let found = places.remove(publish.content.as_str()).unwrap_or_default();
        let (topic, content) = (topic.to_owned(), publish.content.clone());
        match (&publish.outcome, found.as_slice()) {
            (Outcome::Acked { offset, cursor, .. }, [event]) => {
                if event.offset != *offset || event.cursor != *cursor {
                    let (said, found) = (*offset, event.offset);
                    violations.push(Violation::Elsewhere { topic, content, said, found });
                }
            }
            (Outcome::Acked { offset, .. }, []) => {
                violations.push(Violation::Lost { topic, content, offset: *offset });
            }
            (Outcome::Refused, [_, ..]) => {
                violations.push(Violation::RefusedYetThere { topic, content });
            }
            (_, [_, _, ..]) => violations.push(Violation::Doubled { topic, content }),
            (Outcome::Unknown | Outcome::Refused, _) => {}
        }
        if let [event, ..] = found.as_slice() {
            known.insert(event.offset, *publish);
        }
    }
    for (content, events) in places {
        let (topic, content) = (topic.to_owned(), content.to_owned());
        violations.push(Violation::Invented { topic, content, offset: events[0].offset });
    }
    check_real_time(topic, &known, violations);
}

/// What was acknowledged before another publish began lies before it.
fn check_real_time(
    topic: &str,
    by_offset: &BTreeMap<u64, &Publish>,
    violations: &mut Vec<Violation>,
) {
    let mut earliest_ack_behind: Option<(u64, u64)> = None;
    for (offset, publish) in by_offset.iter().rev() {
        if let Some((acked_at, behind)) = earliest_ack_behind
            && acked_at < publish.started_at
        {
            let topic = topic.to_owned();
            violations.push(Violation::RealTime { topic, first: *offset, second: behind });
        }
        if let Outcome::Acked { at, .. } = publish.outcome
            && earliest_ack_behind.is_none_or(|(earliest, _)| at < earliest)
        {
            earliest_ack_behind = Some((at, *offset));
        }
    }
}

/// A stream is one contiguous piece of the log: no hole, nothing twice, nothing altered or foreign. A
/// reset moves the place openly.
fn check_stream(stream: &Stream, log: &[Event], violations: &mut Vec<Violation>) {
    let by_cursor: HashMap<&str, &Event> =
        log.iter().map(|event| (event.cursor.as_str(), event)).collect();
    let mut place = stream.after;
    for entry in &stream.entries {
        match entry {
            Entry::Reset { cursor } => {
                place = by_cursor.get(cursor.as_str()).map(|event| event.offset);
                if place.is_none() {
                    let (who, topic) = (stream.who.clone(), stream.topic.clone());
                    violations.push(Violation::Foreign { who, topic, content: cursor.clone() });
                }
            }
            Entry::Event { cursor, content } => {
                let (who, topic) = (stream.who.clone(), stream.topic.clone());
                let Some(event) = by_cursor.get(cursor.as_str()) else {
                    violations.push(Violation::Foreign { who, topic, content: content.clone() });
                    continue;
                };
                if event.content != *content {
                    violations.push(Violation::Altered { who, topic, offset: event.offset });
                } else if let Some(place) = place.filter(|place| event.offset != place + 1) {
                    let found = event.offset;
                    violations.push(Violation::NotNext { who, topic, after: place, found });
                }
                place = Some(event.offset);
            }
        }
    }
    let head = log.last().map_or(0, |event| event.offset);
    if stream.is_complete && place.is_some_and(|place| place != head) {
        violations.push(Violation::ShortOfTheHead {
            who: stream.who.clone(),
            topic: stream.topic.clone(),
            at: place.unwrap_or_default(),
            head,
        });
    }
}
