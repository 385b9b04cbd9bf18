//! Acts that are told of in the commit that does them, and the list that operators look at.

use super::World;
use super::world::{create, cursors, event, key, publish, room, spec, text};
use crate::domain::audit::{Act, Entry, Outcome};
use crate::domain::event::Body;
use crate::domain::topic::{Kind, Topic};
use crate::store::TopicQuery;
use crate::store::commit::{Action, Command};

fn told(command: Command, target: &str) -> Command {
    let entry = Entry {
        tenant: "acme".into(),
        act: Act::Publish,
        target: target.into(),
        by: "root".into(),
        from: None,
        outcome: Outcome::Done,
        code: None,
    };
    let action = Action::Audited { action: Box::new(command.action), entry: Box::new(entry) };
    Command { action, ..command }
}

async fn targets(world: &World) -> Vec<String> {
    let entries = world.whole(&Topic::audit("acme")).await.into_iter().map(|event| {
        let Body::Payload(payload) = &event.body else { panic!("{event:?} is no entry") };
        let value: serde_json::Value = serde_json::from_slice(&payload.data).expect("JSON");
        value["target"].as_str().expect("a target").to_owned()
    });
    entries.collect()
}

pub(crate) async fn an_act_and_its_entry_are_committed_together(world: World) {
    let news = room("news");
    let said = |text: &str| vec![event("said", text)];
    let cursor = cursors(world.store.commit(told(publish(&news, said("one"), None), "one")).await);
    assert_eq!(cursor.len(), 1, "the answer is of the act alone");
    let crashed = world.crashed();
    assert_eq!(targets(&crashed).await, ["one"]);
    assert_eq!(crashed.whole(&news).await.iter().map(|e| text(e)).collect::<Vec<_>>(), ["one"]);

    let refused = told(publish(&news, said("two"), Some(7)), "two");
    world.store.commit(refused).await.expect_err("the head is elsewhere");
    let once = || Command {
        idempotency: key(&world, "once", 1),
        ..told(publish(&news, said("three"), None), "three")
    };
    assert_eq!(
        cursors(world.store.commit(once()).await),
        cursors(world.store.commit(once()).await)
    );
    assert_eq!(
        targets(&world).await,
        ["one", "three"],
        "neither what was refused, nor a repetition"
    );
    assert_eq!(world.whole(&Topic::audit("other")).await, []);
}

pub(crate) async fn topics_are_listed_by_kind_and_name(world: World) {
    for name in ["b", "a-2", "a-1", "z"] {
        world.publish(&room(name), &["one", "two"]).await;
    }
    world.store.commit(create(spec(&world, 1))).await.expect("a job");
    world.publish(&Topic::new("other", Kind::Room, "a-3").expect("a topic"), &["one"]).await;
    let list = async |kinds: &[Kind], prefix: &str, after: Option<&str>, limit| {
        let query = TopicQuery {
            tenant: "acme".into(),
            kinds: kinds.to_vec(),
            prefix: prefix.into(),
            after: after.map(str::to_owned),
            limit,
        };
        let lines = world.store.topics(query).await.expect("a list");
        lines.into_iter().map(|line| line.topic.full().to_owned()).collect::<Vec<_>>()
    };
    let all = ["room:a-1", "room:a-2", "room:b", "room:z", "user:alice"];
    assert_eq!(list(&[Kind::Room, Kind::User], "", None, 9).await, all);
    assert_eq!(list(&[Kind::Room, Kind::User], "", None, 3).await, all[..3]);
    assert_eq!(list(&[Kind::Room, Kind::User], "", Some("b"), 9).await, all[3..]);
    assert_eq!(list(&[Kind::Room, Kind::User], "a-", None, 9).await, all[..2]);
    assert_eq!(list(&[Kind::Session], "", None, 9).await, Vec::<String>::new());
    let query = TopicQuery {
        tenant: "acme".into(),
        kinds: vec![Kind::Room],
        prefix: "b".into(),
        after: None,
        limit: 1,
    };
    let line = world.store.topics(query).await.expect("a list").remove(0);
    let stands = world.store.position(&room("b"), None).await.expect("a position");
    assert_eq!((line.head, line.floor, line.bytes), (stands.head, stands.floor, stands.bytes));
    assert_eq!((line.head.offset, line.oldest), (2, Some(world.now())));
}
