use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;

use super::World;
use super::world::{cursors, event, publish, room, text};
use crate::domain::cursor::Cursor;
use crate::domain::event::{Body, NewEvent};
use crate::domain::payload::Payload;
use crate::domain::topic::Topic;
use crate::store::commit::Refusal;
use crate::store::{Error, PageLimit};

const WRITERS: usize = 32;
const EACH: usize = 40;

pub(crate) async fn one_topic_takes_racing_writers_without_a_gap(world: World) {
    let topic = room("hot");
    let writer = |writer: usize| {
        let (store, topic) = (Arc::clone(&world.store), topic.clone());
        tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for n in 0..EACH {
                let events = vec![event("said", &format!("{writer}.{n}"))];
                let cursor = cursors(store.commit(publish(&topic, events, None)).await)[0];
                acknowledged.push((cursor, format!("{writer}.{n}")));
            }
            acknowledged
        })
    };
    let acknowledged = join_all((0..WRITERS).map(writer)).await;
    let mut expected: Vec<_> =
        acknowledged.into_iter().flat_map(|w| w.expect("no panic")).collect();
    expected.sort_by_key(|(cursor, _)| cursor.offset);
    let log = world.whole(&topic).await;
    let found: Vec<_> = log.iter().map(|event| (event.cursor, text(event))).collect();
    assert_eq!(found, expected);
    assert_eq!(log.first().map(|event| event.cursor.offset), Some(1));
    assert_eq!(log.len(), WRITERS * EACH);
    assert_eq!(world.tapped(), log, "what was tapped is the log");
}

pub(crate) async fn many_topics_and_writers_keep_each_topics_order(world: World) {
    let topics: Vec<_> = (0..7).map(|n| room(&format!("r{n}"))).collect();
    let writer = |writer: usize| {
        let (store, topics) = (Arc::clone(&world.store), topics.clone());
        tokio::spawn(async move {
            for n in 0..EACH {
                let topic = &topics[(writer + n) % topics.len()];
                let events = vec![event("said", "one"), event("said", "two")];
                cursors(store.commit(publish(topic, events, None)).await);
            }
        })
    };
    join_all((0..WRITERS).map(writer)).await;
    let mut tapped = BTreeMap::new();
    for event in world.tapped() {
        tapped.entry(event.topic.clone()).or_insert_with(Vec::new).push(event);
    }
    let mut count = 0;
    for topic in &topics {
        let log = world.whole(topic).await;
        assert_eq!(tapped.get(topic), Some(&log));
        for pair in log.chunks(2) {
            assert_eq!((text(&pair[0]), text(&pair[1])), ("one".into(), "two".into()));
        }
        count += log.len();
    }
    assert_eq!(count, WRITERS * EACH * 2);
}

pub(crate) async fn acknowledgements_respect_real_time(world: World) {
    let topic = room("clock");
    let mut last = 0;
    for n in 0..20 {
        let cursor = world.publish(&topic, &[&n.to_string()]).await[0];
        assert!(cursor.offset > last, "what is acknowledged first comes first");
        let tapped = world.tapped().last().map(|event| event.cursor);
        assert_eq!(tapped, Some(cursor), "tapped before it is acknowledged");
        let head = world.store.position(&topic, None).await.expect("a position").head;
        assert_eq!(head, cursor, "readable once it is acknowledged");
        last = cursor.offset;
    }
}

pub(crate) async fn a_batch_is_committed_whole_or_not_at_all(world: World) {
    let topic = room("batches");
    let batch = |n: u32| (0..n).map(|n| event("said", &n.to_string())).collect::<Vec<_>>();
    let first = cursors(world.store.commit(publish(&topic, batch(100), Some(0))).await);
    assert_eq!(first.iter().map(|c| c.offset).collect::<Vec<_>>(), (1..=100).collect::<Vec<_>>());
    let refused = world.store.commit(publish(&topic, batch(100), Some(99))).await;
    let conflict = Refusal::OffsetConflict { head: 100, expected: 99 };
    assert_eq!(refused, Err(Error::Refused(conflict)));
    assert_eq!(world.whole(&topic).await.len(), 100);
    assert_eq!(world.tapped().len(), 100);
    assert_eq!(cursors(world.store.commit(publish(&topic, Vec::new(), None)).await), []);
}

pub(crate) async fn exactly_one_of_racing_writers_finds_the_expected_offset(world: World) {
    let topic = room("race");
    for round in 0..10_u64 {
        let race = |writer: usize| {
            let events = vec![event("said", &writer.to_string())];
            world.store.commit(publish(&topic, events, Some(round)))
        };
        let outcomes = join_all((0..WRITERS).map(race)).await;
        let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(won, 1, "round {round}");
    }
    assert_eq!(world.whole(&topic).await.len(), 10);
}

pub(crate) async fn bodies_of_every_type_come_back_byte_for_byte(world: World) {
    let topic = room("bodies");
    let large = vec![b'x'; 300_000];
    let bodies = [
        Payload::json("{\"n\": 1.00, \"s\": \"\\u00e4\"}"),
        Payload { content_type: "image/png".into(), data: Bytes::from_static(&[0, 10, 255]) },
        Payload { content_type: "text/plain".into(), data: Bytes::new() },
        Payload { content_type: "text/plain".into(), data: large.into() },
    ];
    let events = bodies.iter().cloned().map(|payload| {
        let body = Body::Payload(payload);
        NewEvent { kind: "it's.a_type-1".into(), body }
    });
    world.store.commit(publish(&topic, events.collect(), None)).await.expect("committed");
    let log = world.whole(&topic).await;
    let found: Vec<_> = log.iter().map(|event| event.body.clone()).collect();
    assert_eq!(found, bodies.map(Body::Payload));
    assert!(log.iter().all(|event| event.trace == Some([7; 16]) && event.time == world.now()));
    assert_eq!(world.tapped(), log);
}

pub(crate) async fn last_values_are_the_newest_event_of_each_type(world: World) {
    let topic = room("values");
    assert_eq!(world.store.last_values(&topic, 9).await, Ok((Cursor::START, Vec::new())));
    let events = ["a", "b", "a", "c", "b"].iter().enumerate();
    let events = events.map(|(n, kind)| event(kind, &n.to_string())).collect();
    let head = cursors(world.store.commit(publish(&topic, events, None)).await)[4];
    let world = world.reopened();
    let (stood, values) = world.store.last_values(&topic, 9).await.expect("values");
    let values: Vec<_> = values.iter().map(|e| (e.kind.to_string(), text(e))).collect();
    let expected = [("a", "2"), ("c", "3"), ("b", "4")];
    assert_eq!(values, expected.map(|(kind, text)| (kind.to_owned(), text.to_owned())));
    assert_eq!(stood, head);
    let (_, newest) = world.store.last_values(&topic, 1).await.expect("values");
    assert_eq!(newest.iter().map(text_of).collect::<Vec<_>>(), ["4"]);
}

pub(crate) async fn a_topic_that_cannot_be_read_takes_nothing_and_holds_up_no_other(world: World) {
    let rooms: Vec<Topic> = (0..8).map(|n| room(&format!("room-{n}"))).collect();
    for room in &rooms {
        world.publish(room, &["before"]).await;
    }
    let world = world.altered(
        "UPDATE topic_head SET stamp = 1099511627776
         WHERE topic = (SELECT id FROM topic WHERE name = 'room-3')",
    );
    let said = rooms.iter().map(|room| publish(room, vec![event("said", "after")], None));
    let outcomes = join_all(said.map(|command| world.store.commit(command))).await;
    for (n, outcome) in outcomes.iter().enumerate() {
        let is_as_it_is = match outcome {
            Err(Error::Damaged(_)) => n == 3,
            outcome => outcome.is_ok() && n != 3,
        };
        assert!(is_as_it_is, "{n}: {outcome:?}");
    }
    assert_eq!(world.store.writable(), Ok(()));
}

fn text_of(event: &crate::domain::event::Event) -> String {
    text(event)
}

pub(crate) async fn pages_join_without_a_hole_whatever_their_size(world: World) {
    let topic = room("pages");
    for n in 0..200 {
        world.publish(&topic, &[&"x".repeat(n * 2)]).await;
        world.publish(&room("beside"), &["y"]).await;
    }
    let log = world.whole(&topic).await;
    for (events, bytes) in
        [(1, 1 << 20), (7, 1 << 20), (500, 1), (500, 600), (50, 1 << 20), (200, 1 << 20)]
    {
        let mut joined = Vec::new();
        while joined.len() < log.len() {
            let after = joined.len() as u64;
            let page = world.store.read(&topic, after, PageLimit { events, bytes }).await;
            let page = page.expect("a page");
            assert!((1..=events).contains(&page.events.len()));
            assert_eq!(page.head.offset, 200);
            joined.extend(page.events);
        }
        assert_eq!(joined, log, "{events} events, {bytes} bytes");
    }
    let end = world.store.read(&topic, 200, PageLimit::REPLAY).await.expect("a page");
    assert!(end.events.is_empty());
}

pub(crate) async fn a_topic_nobody_wrote_to_stands_at_the_start(world: World) {
    let topic = room("silent");
    let page = world.store.read(&topic, 0, PageLimit::REPLAY).await.expect("a page");
    assert_eq!((page.events.len(), page.head, page.floor), (0, Cursor::START, 0));
    let position = world.store.position(&topic, Some(Cursor::START)).await.expect("a position");
    assert_eq!((position.head, position.floor, position.bytes), (Cursor::START, 0, 0));
    assert_eq!(position.resume, Some(crate::domain::cursor::Resume::Whole));
}
