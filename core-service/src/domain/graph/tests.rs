//! The graph's rules as tables, and against a plain model over random commands.

pub(crate) mod model;
pub(crate) mod random;

use std::convert::Infallible;

use super::*;
use crate::domain::limits;

/// A graph in memory, with its history.
#[derive(Debug, Default, Clone)]
pub(super) struct Bench {
    pub(super) head: Head,
    pub(super) document: Document,
    steps: BTreeMap<u64, Step>,
    number: u64,
}

impl Bench {
    pub(super) fn order(&mut self, wish: Wish) -> Result<Vec<Change>, Refusal> {
        let step = |number| Ok::<_, Infallible>(self.steps[&number].clone());
        let order = Order { wish, expected_version: None };
        let performed = perform(&self.document, self.head, 0, order, step);
        let performed = performed.map_err(|stop| match stop {
            Stop::Refused(refusal) => refusal,
            Stop::Broken(never) => match never {},
        })?;
        performed.changes.iter().for_each(|change| self.document.apply(change));
        self.steps.extend(performed.keep);
        performed.forget.map(|number| self.steps.remove(&number));
        self.head = performed.head;
        assert_eq!(self.head.size, self.document.size(), "the size is kept exactly");
        Ok(performed.changes)
    }

    pub(super) fn execute(&mut self, command: Command) -> Result<Vec<Change>, Refusal> {
        self.number += 1;
        let command_id = format!("c{}", self.number);
        self.order(Wish::Execute { command_id, command })
    }
}

fn node(node_id: &str) -> Node {
    Node { node_id: node_id.into(), node_type: "t".into(), ..Node::default() }
}

fn create(node_id: &str, parent: Option<&str>) -> Command {
    Command::CreateNode(Node { parent_id: parent.map(str::to_owned), ..node(node_id) })
}

fn delete(node_id: &str) -> Command {
    Command::DeleteNode { node_id: node_id.into() }
}

fn ends(parent_id: &str, node_id: &str) -> Link {
    Link { parent_id: parent_id.into(), node_id: node_id.into() }
}

fn link(parent_id: &str, node_id: &str) -> Command {
    Command::LinkNode(ends(parent_id, node_id))
}

fn unlink(parent_id: &str, node_id: &str) -> Command {
    Command::UnlinkNode(ends(parent_id, node_id))
}

fn set(node_id: &str, key: &str, value: impl Into<String>) -> Command {
    Command::SetProperty { node_id: node_id.into(), key: key.into(), value: value.into() }
}

fn unset(node_id: &str, key: &str) -> Command {
    Command::DeleteProperty { node_id: node_id.into(), key: key.into() }
}

/// a ▸ b ▸ c, and d beside them.
fn family() -> Bench {
    let mut bench = Bench::default();
    let commands =
        [create("a", None), create("b", Some("a")), create("c", Some("b")), create("d", None)];
    bench.execute(Command::Batch(commands.into())).expect("a family");
    bench
}

#[track_caller]
fn check(command: Command, expected: Result<&[Change], Refusal>) {
    let mut bench = family();
    let before = bench.document.clone();
    let outcome = bench.execute(command);
    if outcome.is_err() {
        assert_eq!(bench.document, before, "a refused command changes nothing");
        assert_eq!(bench.head.version, 1);
    }
    assert_eq!(outcome, expected.map(<[Change]>::to_vec));
}

#[test]
fn a_command_says_what_changes() {
    let linked = Change::NodeLinked(ends("a", "e"));
    let below_a = Node { parent_id: Some("a".into()), ..node("e") };
    check(create("e", Some("a")), Ok(&[Change::NodeCreated(below_a), linked]));
    check(delete("d"), Ok(&[Change::NodeDeleted(node("d"))]));
    let c = Node { parent_id: Some("b".into()), ..node("c") };
    check(delete("c"), Ok(&[Change::NodeUnlinked(ends("b", "c")), Change::NodeDeleted(c)]));
    check(link("a", "d"), Ok(&[Change::NodeLinked(ends("a", "d"))]));
    check(link("a", "c"), Ok(&[Change::NodeLinked(ends("a", "c"))]));
    check(unlink("a", "b"), Ok(&[Change::NodeUnlinked(ends("a", "b"))]));
    let (node_id, key, value) = ("a".into(), "k".into(), "1.0".into());
    check(set("a", "k", "1.0"), Ok(&[Change::PropertyChanged { node_id, key, value, old: None }]));
}

#[test]
fn a_refusal_says_what_is_wrong() {
    let cycle = |parent_id: &str, node_id: &str| {
        let (parent_id, node_id) = (parent_id.to_owned(), node_id.to_owned());
        Err(Refusal::Cycle { node_id, parent_id })
    };
    check(create("a", None), Err(Refusal::NodeExists("a".into())));
    check(create("e", Some("x")), Err(Refusal::NodeNotFound("x".into())));
    check(delete("x"), Err(Refusal::NodeNotFound("x".into())));
    check(delete("b"), Err(Refusal::HasChildren("b".into())));
    check(link("x", "a"), Err(Refusal::NodeNotFound("x".into())));
    check(link("a", "x"), Err(Refusal::NodeNotFound("x".into())));
    check(link("a", "a"), cycle("a", "a"));
    check(link("c", "a"), cycle("c", "a"));
    let (node_id, parent_id) = ("b".to_owned(), "a".to_owned());
    check(link("a", "b"), Err(Refusal::LinkExists { node_id, parent_id }));
    let (node_id, parent_id) = ("d".to_owned(), "a".to_owned());
    check(unlink("a", "d"), Err(Refusal::LinkNotFound { node_id, parent_id }));
    check(set("x", "k", "1"), Err(Refusal::NodeNotFound("x".into())));
    let (node_id, key) = ("a".into(), "k".into());
    check(unset("a", "k"), Err(Refusal::PropertyNotFound { node_id, key }));
}

#[test]
fn a_batch_sees_its_own_changes_and_goes_whole_or_not_at_all() {
    let mut bench = family();
    let whole = [delete("c"), delete("b"), delete("a"), create("a", None), link("a", "d")];
    bench.execute(Command::Batch(whole.into())).expect("each on what the one before left");
    assert_eq!(bench.document.nodes.keys().collect::<Vec<_>>(), ["a", "d"]);
    let moved = [unlink("a", "b"), link("d", "b"), link("c", "a")];
    check(
        Command::Batch(vec![create("e", None), delete("b")]),
        Err(Refusal::HasChildren("b".into())),
    );
    family().execute(Command::Batch(moved.into())).expect("no circle any more");
}

#[test]
fn an_expected_version_guards_a_command() {
    let bench = family();
    let wish = Wish::Execute { command_id: "c".into(), command: delete("d") };
    let order = Order { wish, expected_version: Some(0) };
    let step = |_| unreachable!("no step is needed");
    let outcome = perform(&bench.document, bench.head, 0, order, step);
    assert_eq!(outcome, Err(Stop::Refused(Refusal::VersionConflict { version: 1, expected: 0 })));
}

#[test]
fn the_history_is_as_deep_as_its_limit() {
    let mut bench = family();
    let depth = limits::UNDO_DEPTH_MAX;
    for value in 0..depth + 5 {
        bench.execute(set("a", "k", value.to_string())).expect("set");
    }
    assert_eq!(bench.steps.len() as u64, depth);
    for _ in 0..depth {
        bench.order(Wish::Undo).expect("undone");
    }
    assert_eq!(bench.document.nodes["a"].properties["k"], "4");
    assert_eq!(bench.order(Wish::Undo), Err(Refusal::NothingToUndo));
    for _ in 0..depth {
        bench.order(Wish::Redo).expect("done again");
    }
    assert_eq!(bench.document.nodes["a"].properties["k"], (depth + 4).to_string());
    assert_eq!(bench.order(Wish::Redo), Err(Refusal::NothingToRedo));
    bench.order(Wish::Undo).expect("undone");
    bench.execute(set("a", "k", "0")).expect("set");
    assert_eq!(bench.order(Wish::Redo), Err(Refusal::NothingToRedo), "a new command ends it");
}

#[track_caller]
fn full(outcome: Result<Vec<Change>, Refusal>, limit: Limit) {
    let Err(Refusal::Full { limit: found, .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(found, limit);
}

#[test]
fn a_node_takes_what_its_limits_say_and_no_more() {
    let mut bench = family();
    for key in 0..limits::NODE_PROPERTIES_MAX {
        bench.execute(set("a", &key.to_string(), "0")).expect("within");
    }
    full(bench.execute(set("a", "one more", "0")), Limit::Properties);
    bench.execute(set("a", "0", "1")).expect("no new one");
    let value = "x".repeat(limits::PROPERTY_BYTES_MAX);
    for key in ["1", "2", "3"] {
        bench.execute(set("d", key, value.clone())).expect("within");
    }
    let room = limits::NODE_BYTES_MAX - bench.document.nodes["d"].bytes() - 1;
    let rest = "x".repeat(usize::try_from(room).expect("small"));
    full(bench.execute(set("d", "4", format!("{rest}y"))), Limit::NodeBytes);
    bench.execute(set("d", "4", rest)).expect("exactly");
    for parent in 0..limits::NODE_PARENTS_MAX - 1 {
        bench.execute(create(&format!("p{parent}"), None)).expect("created");
        bench.execute(link(&format!("p{parent}"), "c")).expect("within");
    }
    full(bench.execute(link("a", "c")), Limit::Parents);
}

#[test]
fn a_graph_takes_what_its_limits_say_and_no_more() {
    let mut bench = family();
    bench.head.size.nodes = limits::GRAPH_NODES_MAX - 1;
    let decide = |size, elsewhere, command| decide(&bench.document, size, elsewhere, command);
    let size = bench.head.size;
    assert!(decide(size, 0, create("e", None)).is_ok());
    let two = Command::Batch(vec![create("e", None), create("f", None)]);
    let Err(Stop::Refused(refusal)) = decide(size, 0, two) else { panic!("one too many") };
    full(Err(refusal), Limit::Nodes);
    let elsewhere = limits::SESSION_BYTES_MAX - size.bytes - node("e").bytes();
    assert!(decide(bench.document.size(), elsewhere, create("e", None)).is_ok());
    let beyond = decide(bench.document.size(), elsewhere + 1, create("e", None));
    let Err(Stop::Refused(refusal)) = beyond else { panic!("one byte too many") };
    full(Err(refusal), Limit::Bytes);
}

#[test]
fn one_command_changes_no_more_than_a_commit_holds() {
    let mut bench = family();
    let value = "x".repeat(limits::PROPERTY_BYTES_MAX);
    let many = |count| (0..count).map(|n| set(["a", "b", "c", "d"][n % 4], "k", value.clone()));
    bench.execute(Command::Batch(many(4).collect())).expect("the first have no value before");
    full(bench.execute(Command::Batch(many(9).collect())), Limit::Step);
    bench.execute(Command::Batch(many(7).collect())).expect("each counts twice");
}

#[test]
fn the_search_for_a_circle_ends() {
    let mut bench = Bench::default();
    bench.execute(create("n0", None)).expect("created");
    for n in 1..=limits::NODE_ANCESTORS_MAX + 1 {
        let parent = format!("n{}", n - 1);
        bench.execute(create(&format!("n{n}"), Some(&parent))).expect("a leaf is never searched");
    }
    bench.execute(create("x", None)).expect("created");
    bench.execute(create("y", Some("x"))).expect("created");
    let deepest = format!("n{}", limits::NODE_ANCESTORS_MAX + 1);
    full(bench.execute(link(&deepest, "x")), Limit::Ancestors);
    let one_up = format!("n{}", limits::NODE_ANCESTORS_MAX);
    bench.execute(link(&one_up, "x")).expect("within");
}
