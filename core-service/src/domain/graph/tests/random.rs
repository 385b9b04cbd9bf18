//! Random commands against the model.

use proptest::prelude::*;

use super::super::{Command, Document, Link, Node, Wish};
use super::Bench;
use super::model::Model;

const VALUES: [&str; 6] =
    ["1", "1.0", " {\"a\" :1}", "\"\\u00e4\"", "null", "12345678901234567890"];

fn name() -> impl Strategy<Value = String> {
    (0..12_u8).prop_map(|n| format!("n{n}"))
}

fn link() -> impl Strategy<Value = Link> {
    (name(), name()).prop_map(|(node_id, parent_id)| Link { node_id, parent_id })
}

fn value() -> impl Strategy<Value = String> {
    prop::sample::select(&VALUES[..]).prop_map(str::to_owned)
}

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(&["a", "b", "ä b"][..]).prop_map(str::to_owned)
}

fn node() -> impl Strategy<Value = Node> {
    let properties = prop::collection::btree_map(key(), value(), 0..3);
    (name(), prop::option::of(name()), properties).prop_map(|(node_id, parent_id, properties)| {
        Node { node_id, node_type: "t".into(), name: "ü".into(), parent_id, properties }
    })
}

pub(crate) fn simple() -> impl Strategy<Value = Command> {
    prop_oneof![
        4 => node().prop_map(Command::CreateNode),
        2 => name().prop_map(|node_id| Command::DeleteNode { node_id }),
        4 => link().prop_map(Command::LinkNode),
        2 => link().prop_map(Command::UnlinkNode),
        3 => (name(), key(), value())
            .prop_map(|(node_id, key, value)| Command::SetProperty { node_id, key, value }),
        1 => (name(), key()).prop_map(|(node_id, key)| Command::DeleteProperty { node_id, key }),
    ]
}

#[derive(Debug, Clone)]
pub(crate) enum Move {
    Execute(Command),
    Undo,
    Redo,
}

pub(crate) fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        6 => simple().prop_map(Move::Execute),
        1 => prop::collection::vec(simple(), 1..5).prop_map(|all| Move::Execute(Command::Batch(all))),
        2 => Just(Move::Undo),
        1 => Just(Move::Redo),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// 64 times up to 400 transitions: well over 10,000.
    #[test]
    fn the_graph_does_what_the_model_does(all in prop::collection::vec(moves(), 200..400)) {
        let (mut bench, mut model) = (Bench::default(), Model::default());
        let mut folded = Document::default();
        for one in all {
            let (outcome, is_taken) = match one {
                Move::Execute(command) => {
                    let is_taken = model.execute(&command);
                    (bench.execute(command), is_taken)
                }
                Move::Undo => (bench.order(Wish::Undo), model.undo()),
                Move::Redo => (bench.order(Wish::Redo), model.redo()),
            };
            prop_assert_eq!(outcome.is_ok(), is_taken, "{:?}", outcome);
            outcome.iter().flatten().for_each(|change| folded.apply(change));
            prop_assert!(model.is(&bench.document), "{:?} is not {:?}", bench.document, model);
            prop_assert_eq!(&folded, &bench.document);
        }
    }

    #[test]
    fn undoing_all_gives_the_first_state_and_redoing_all_gives_it_back(
        first in prop::collection::vec(simple(), 0..40),
        then in prop::collection::vec(simple(), 0..150),
    ) {
        let mut bench = Bench::default();
        for command in first {
            let _ = bench.execute(command);
        }
        let before = bench.document.clone();
        let done = then.into_iter().filter(|command| bench.execute(command.clone()).is_ok()).count();
        let after = bench.document.clone();
        for _ in 0..done {
            prop_assert!(bench.order(Wish::Undo).is_ok());
        }
        prop_assert_eq!(&bench.document, &before);
        for _ in 0..done {
            prop_assert!(bench.order(Wish::Redo).is_ok());
        }
        prop_assert_eq!(&bench.document, &after);
    }
}
