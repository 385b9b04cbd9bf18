use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::join_all;

use super::World;
use super::world::{cursors, event, publish, room, text};
use crate::domain::cursor::{Cursor, Resume};
use crate::store::PageLimit;

async fn judge(world: &World, cursor: Cursor) -> Option<Resume> {
    world.store.position(&room("a"), Some(cursor)).await.expect("a position").resume
}

pub(crate) async fn whatever_was_acknowledged_is_there_after_a_crash(world: World) {
    let topic = room("a");
    let stop = Arc::new(AtomicBool::new(false));
    let writers = (0..8).map(|writer| {
        let (store, ended, topic) = (Arc::clone(&world.store), Arc::clone(&stop), topic.clone());
        tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            while !ended.load(Ordering::SeqCst) {
                let said = format!("{writer} {}", acknowledged.len());
                let committed = store.commit(publish(&topic, vec![event("said", &said)], None));
                acknowledged.push((cursors(committed.await)[0], said));
            }
            acknowledged
        })
    });
    let writers: Vec<_> = writers.collect();
    while world.tapped().len() < 200 {
        tokio::task::yield_now().await;
    }
    stop.store(true, Ordering::SeqCst);
    let acknowledged: Vec<_> =
        join_all(writers).await.into_iter().flat_map(|writer| writer.expect("no panic")).collect();
    let crashed = world.crashed();
    let log = crashed.whole(&topic).await;
    assert_eq!(log, world.whole(&topic).await);
    assert_eq!(log.len(), acknowledged.len());
    for (cursor, said) in acknowledged {
        let event = &log[usize::try_from(cursor.offset).expect("small") - 1];
        assert_eq!((event.cursor, text(event)), (cursor, said));
    }
    assert_eq!(crashed.publish(&topic, &["on"]).await[0].offset, log.len() as u64 + 1);
}

pub(crate) async fn a_restored_copy_is_seen_by_the_stamp(world: World) {
    let before = world.publish(&room("a"), &["1", "2"]).await;
    let restored = world.crashed();
    let after = world.publish(&room("a"), &["3", "4"]).await;
    assert_eq!(judge(&restored, before[1]).await, Some(Resume::Whole));
    assert_eq!(judge(&restored, after[0]).await, Some(Resume::Ahead));
    let forked = restored.publish(&room("a"), &["other 3", "other 4", "5"]).await;
    assert_eq!(after[0].offset, forked[0].offset);
    assert_eq!(judge(&restored, after[0]).await, Some(Resume::Forked));
    assert_eq!(judge(&restored, after[1]).await, Some(Resume::Forked));
    assert_eq!(judge(&restored, before[0]).await, Some(Resume::Whole));
    assert_eq!(judge(&restored, forked[0]).await, Some(Resume::Whole));
}

pub(crate) async fn every_cursor_is_judged(world: World) {
    let first = world.publish(&room("a"), &["1", "2"]).await;
    let world = world.reopened();
    let second = world.publish(&room("a"), &["3"]).await;
    assert_ne!(first[0].stamp, second[0].stamp, "a new history begins with each opening");
    assert!(first[0].stamp != 0 && second[0].stamp != 0);
    for cursor in [Cursor::START, first[0], first[1], second[0]] {
        assert_eq!(judge(&world, cursor).await, Some(Resume::Whole));
    }
    let stamp = second[0].stamp;
    assert_eq!(judge(&world, Cursor { offset: 2, stamp }).await, Some(Resume::Forked));
    assert_eq!(judge(&world, Cursor { offset: 4, stamp }).await, Some(Resume::Ahead));
}

pub(crate) async fn a_page_is_judged_as_the_cursor_that_it_was_read_after(world: World) {
    let topic = room("a");
    let kept = world.publish(&topic, &["1", "2"]).await;
    let restored = world.crashed();
    let lost = world.publish(&topic, &["3", "4"]).await;
    let resume = async |at: Cursor| {
        let page = restored.store.read(&topic, at.offset, PageLimit::REPLAY).await;
        page.expect("a page").resume(at)
    };
    assert_eq!(resume(Cursor::START).await, Resume::Whole);
    assert_eq!(resume(kept[0]).await, Resume::Whole);
    assert_eq!(resume(kept[1]).await, Resume::Whole, "nothing follows");
    assert_eq!(resume(lost[0]).await, Resume::Ahead);
    restored.publish(&topic, &["other 3", "other 4", "5"]).await;
    for cursor in kept {
        assert_eq!(resume(cursor).await, Resume::Whole);
    }
    for cursor in lost {
        assert_eq!(resume(cursor).await, Resume::Forked);
    }
}

pub(crate) async fn each_event_names_the_one_before_it(world: World) {
    let (one, two) = (room("a"), room("b"));
    world.publish(&one, &["1", "2"]).await;
    world.publish(&two, &["x"]).await;
    world.publish(&one, &["3"]).await;
    let mut links = world.links();
    let world = world.reopened();
    world.publish(&one, &["4"]).await;
    links.extend(world.links());
    for topic in [one, two] {
        let log = world.whole(&topic).await;
        let stamps = log.iter().map(|event| Some(event.cursor.stamp));
        let links = links.iter().filter(|linked| linked.event.topic == topic);
        let before: Vec<_> = links.map(|linked| linked.before).collect();
        let expected: Vec<_> = std::iter::once(Some(0)).chain(stamps).take(log.len()).collect();
        assert_eq!(before, expected, "{topic}");
    }
}
