//! Graphs: commands, history, saves, on rows and over crashes.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::TestRunner;

use super::presence::{announce, says};
use super::sessions::{SESSION, change, fact, take, topic, with_sessions};
use super::world::{World, key};
use crate::domain::graph::tests::model::Model;
use crate::domain::graph::tests::random::{Move, moves};
use crate::domain::graph::{Command as GraphCommand, Document, Limit, Node, Order, Refusal, Wish};
use crate::domain::limits;
use crate::domain::session::{Command, Copied, Event, Status};
use crate::domain::time::Time;
use crate::snapshot::{Known, Recent};
use crate::store::commit::{Action, Command as StoreCommand, Committed};
use crate::store::session::{self, COPY_KEPT, Found, Outcome, Part, Which};
use crate::store::{self, Error};

const MAIN: &str = "main";

fn perform(graph: &str, wish: Wish) -> Command {
    let order = Order { wish, expected_version: None };
    Command::Perform { graph: graph.into(), by: "alice".into(), order }
}

fn execute(graph: &str, command: GraphCommand) -> Command {
    perform(graph, Wish::Execute { command_id: "c".into(), command })
}

fn create(node_id: &str) -> GraphCommand {
    GraphCommand::CreateNode(Node { node_id: node_id.into(), ..Node::default() })
}

fn set(node_id: &str, value: &str) -> GraphCommand {
    let (node_id, key, value) = (node_id.to_owned(), "k".to_owned(), value.to_owned());
    GraphCommand::SetProperty { node_id, key, value }
}

/// Whether a commit's events tell of a command that was done.
fn is_done(outcome: &Result<Vec<Event>, Error>) -> bool {
    match outcome {
        Ok(events) => !matches!(
            events.last(),
            Some(Event::Command(progress)) if matches!(progress.status, Status::Failed(_))
        ),
        Err(Error::Refused(store::Refusal::Graph(_))) => false,
        Err(error) => panic!("{error:?}"),
    }
}

async fn read(world: &World, session: &str, which: Which) -> Option<Found> {
    world.store.graph(session, which).await.expect("read")
}

/// Copies a graph or a save as the service does, in small parts.
async fn copied(world: &World, session: &str, which: Which, body: u64) -> Option<Copied> {
    let Found { graph, version, .. } = read(world, session, which).await?;
    let nodes: Vec<Node> = graph.document.nodes.into_values().collect();
    let links: Vec<_> = graph.document.links.into_iter().collect();
    let part = |is_first, nodes, links| Part { body, is_first, nodes, links };
    let mut parts: Vec<Part> = vec![part(true, vec![], vec![])];
    parts.extend(nodes.chunks(3).map(|some| part(false, some.to_vec(), vec![])));
    parts.extend(links.chunks(3).map(|some| part(false, vec![], some.to_vec())));
    for part in parts {
        take(world, session::Action::PutPart(part)).await.expect("put");
    }
    let (graph_name, name, by) = (MAIN.to_owned(), "kept".to_owned(), "alice".to_owned());
    let version = version.unwrap_or(0);
    Some(Copied { graph: graph_name, name, version, by, body, head: graph.head })
}

fn kept(version: Option<u64>) -> Which {
    Which::Save { name: "kept".into(), version }
}

pub(crate) async fn a_command_and_its_events_are_committed_together(world: World) {
    with_sessions(&world, &[SESSION]).await;
    let done = change(&world, SESSION, execute(MAIN, create("a"))).await.expect("done");
    assert_eq!(
        done.iter().map(Event::kind).collect::<Vec<_>>(),
        ["command.executing", "graph.node_created", "command.executed"]
    );
    let failed = change(&world, SESSION, execute(MAIN, create("a"))).await.expect("told");
    let [_, Event::Command(progress)] = &failed[..] else { panic!("{failed:?}") };
    assert_eq!(progress.status, Status::Failed(Refusal::NodeExists("a".into())));
    let undone = change(&world, SESSION, perform(MAIN, Wish::Undo)).await.expect("undone");
    assert_eq!(
        undone.iter().map(Event::kind).collect::<Vec<_>>(),
        ["graph.node_deleted", "command.undo"]
    );
    let nothing = change(&world, SESSION, perform(MAIN, Wish::Undo)).await;
    assert_eq!(nothing, Err(Error::Refused(store::Refusal::Graph(Refusal::NothingToUndo))));
    let log: Vec<_> = world.whole(&topic(SESSION)).await.iter().map(|event| fact(event)).collect();
    assert_eq!(log, [done, failed, undone].concat());
    let world = world.crashed();
    let redone = change(&world, SESSION, perform(MAIN, Wish::Redo)).await.expect("redone");
    assert_eq!(redone.len(), 2);
    let found = read(&world, SESSION, Which::Graph(MAIN.into())).await.expect("there");
    assert_eq!((found.graph.head.version, found.graph.document.nodes.len()), (3, 1));
}

pub(crate) async fn a_key_gives_the_same_events_again(world: World) {
    with_sessions(&world, &[SESSION]).await;
    let kept = key(&world, "k", 7);
    let keyed = |command| {
        let session_id = SESSION.to_owned();
        let action = Action::Session(Box::new(session::Action::Command { session_id, command }));
        StoreCommand { action, idempotency: kept.clone(), trace: None }
    };
    let first = world.store.commit(keyed(execute(MAIN, create("a")))).await.expect("done");
    change(&world, SESSION, execute(MAIN, create("b"))).await.expect("done");
    let again = world.store.commit(keyed(execute(MAIN, create("a")))).await.expect("the same");
    let events = |committed| {
        let Committed::Session { outcome, is_replay } = committed else { panic!("{committed:?}") };
        let Outcome::Events(events) = *outcome else { panic!("{outcome:?}") };
        (events, is_replay)
    };
    let ((first, new), (again, old)) = (events(first), events(again));
    assert_eq!((first, new, old), (again, false, true));
    assert_eq!(world.whole(&topic(SESSION)).await.len(), 6);
    let world = world.altered("UPDATE topic SET floor = 1 WHERE kind = 2");
    let gone = world.store.commit(keyed(execute(MAIN, create("a")))).await;
    assert_eq!(gone, Err(Error::Refused(store::Refusal::AnswerGone)), "not those of another");
}

/// What a session's log folds into: its only graph. What was loaded the model knows: the oldest saves
/// are gone.
async fn folded(world: &World, session: &str, model: &Model) -> Document {
    let mut document = Document::default();
    for event in world.whole(&topic(session)).await {
        match fact(&event) {
            Event::Changed { change, .. } => document.apply(&change),
            Event::Kept(found) if found.is_load => document = model.saved(found.version),
            Event::Kept(_) | Event::Command(_) | Event::Presence(_) | Event::Closed { .. } => {}
        }
    }
    document
}

/// One session and its model, over many moves.
async fn play(world: &World, session: &str, model: &mut Model, all: Vec<Move>, mut body: u64) {
    let recent = Recent::default();
    for (number, one) in all.into_iter().enumerate() {
        let (outcome, is_taken) = match one {
            Move::Execute(command) => {
                let is_taken = model.execute(&command);
                (change(world, session, execute(MAIN, command)).await, is_taken)
            }
            Move::Undo => (change(world, session, perform(MAIN, Wish::Undo)).await, model.undo()),
            Move::Redo => (change(world, session, perform(MAIN, Wish::Redo)).await, model.redo()),
        };
        assert_eq!(is_done(&outcome), is_taken, "{outcome:?}");
        body += 1;
        if number % 40 == 13 {
            let which = Which::Graph(MAIN.into());
            if let Some(copied) = copied(world, session, which, body).await {
                change(world, session, Command::Save(copied)).await.expect("saved");
                model.save();
            }
        } else if number % 40 == 33
            && let Some(copied) = copied(world, session, kept(None), body).await
        {
            let version = usize::try_from(copied.version).expect("small");
            change(world, session, Command::Load(copied)).await.expect("loaded");
            assert!(model.load(version));
        }
        if number % 3 == 0 {
            kept_is_read(world, &recent, session).await;
        }
    }
}

/// A session that is kept and folded is the one that is read.
async fn kept_is_read(world: &World, recent: &Recent, session: &str) {
    let kept = recent.session(&*world.store, session).await.expect("read").expect("there");
    let (cursor, state) = world.store.session_state(session).await.expect("read").expect("there");
    assert_eq!(*kept, Known { cursor, state });
}

/// 8 sessions, 16 rounds of 80 moves: 10,240 transitions, with a restart or a crash after each round.
pub(crate) async fn random_commands_match_a_model_over_crashes_and_restarts(mut world: World) {
    const ROUNDS: u64 = 16;
    const MOVES: usize = 80;
    let names: Vec<String> = (0..8).map(|n| format!("s{n}")).collect();
    with_sessions(&world, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut runner = TestRunner::deterministic();
    let mut models = vec![Model::default(); names.len()];
    for round in 0..ROUNDS {
        let plays = names.iter().zip(&mut models).enumerate().map(|(n, (name, model))| {
            let all = (0..MOVES).map(|_| moves().new_tree(&mut runner).expect("a move").current());
            let all = all.collect();
            let body = (1 << 41) + (n as u64 * ROUNDS + round) * 1000;
            play(&world, name, model, all, body)
        });
        join_all(plays.collect::<Vec<_>>()).await;
        world = if round % 2 == 0 { world.crashed() } else { world.reopened() };
        for (name, model) in names.iter().zip(&models) {
            let found = read(&world, name, Which::Graph(MAIN.into())).await.expect("there");
            let document = found.graph.document;
            assert!(model.is(&document), "{name} after round {round}: {document:?} {model:?}");
            assert_eq!(found.graph.head.size, document.size());
            assert_eq!(
                folded(&world, name, model).await,
                document,
                "{name} is the fold of its log"
            );
        }
    }
    world.advance(COPY_KEPT);
    world.clean().await;
    let found = read(&world, "s0", Which::Graph(MAIN.into())).await.expect("there");
    assert!(models[0].is(&found.graph.document), "cleaning takes what nothing names");
}

pub(crate) async fn a_session_holds_as_many_graphs_saves_and_versions_as_its_limits(world: World) {
    with_sessions(&world, &[SESSION]).await;
    for graph in 1..limits::GRAPHS_MAX {
        let done = change(&world, SESSION, execute(&format!("g{graph}"), create("a"))).await;
        assert!(is_done(&done));
    }
    assert!(is_done(&change(&world, SESSION, execute(MAIN, create("a"))).await));
    let events = change(&world, SESSION, execute("one-more", create("a"))).await.expect("told");
    let Some(Event::Command(progress)) = events.last() else { panic!("{events:?}") };
    let (limit, max) = (Limit::Graphs, limits::GRAPHS_MAX);
    assert_eq!(progress.status, Status::Failed(Refusal::Full { limit, max }));
    let mut body = 1 << 41;
    let mut save = async |name: String| {
        body += 1;
        let copied = copied(&world, SESSION, Which::Graph(MAIN.into()), body).await;
        let copied = Copied { name, ..copied.expect("a graph") };
        change(&world, SESSION, Command::Save(copied)).await
    };
    for version in 0..limits::SAVE_VERSIONS_MAX {
        save("kept".into()).await.unwrap_or_else(|error| panic!("{version}: {error}"));
    }
    for name in 1..limits::SAVES_MAX {
        save(format!("n{name}")).await.expect("saved");
    }
    let (limit, max) = (Limit::Saves, limits::SAVES_MAX);
    let full = Err(Error::Refused(store::Refusal::Graph(Refusal::Full { limit, max })));
    assert_eq!(save("one-more".into()).await, full);
    assert!(read(&world, SESSION, kept(Some(1))).await.is_some());
    save("kept".into()).await.expect("a new version of a known name");
    assert!(read(&world, SESSION, kept(Some(1))).await.is_none(), "the oldest version is gone");
    let newest = read(&world, SESSION, kept(None)).await.expect("there");
    assert_eq!(newest.version, Some(limits::SAVE_VERSIONS_MAX + 1));
    let saves = world.store.saves(SESSION).await.expect("read");
    assert_eq!(saves.len() as u64, limits::SAVES_MAX - 1 + limits::SAVE_VERSIONS_MAX);
}

pub(crate) async fn a_copy_that_took_too_long_is_not_named(world: World) {
    with_sessions(&world, &[SESSION]).await;
    change(&world, SESSION, execute(MAIN, create("a"))).await.expect("done");
    let late = copied(&world, SESSION, Which::Graph(MAIN.into()), 1 << 41).await.expect("there");
    world.advance(COPY_KEPT);
    world.clean().await;
    let lost = Error::Refused(store::Refusal::Session(session::Refusal::CopyLost));
    let rest = Part { body: 1 << 41, is_first: false, nodes: vec![], links: vec![] };
    assert_eq!(take(&world, session::Action::PutPart(rest)).await, Err(lost.clone()));
    assert_eq!(change(&world, SESSION, Command::Save(late)).await, Err(lost));
}

pub(crate) async fn graphs_of_a_session_share_no_node_and_one_limit_of_bytes(world: World) {
    with_sessions(&world, &[SESSION, "other"]).await;
    change(&world, SESSION, execute(MAIN, create("a"))).await.expect("done");
    assert!(!is_done(&change(&world, SESSION, execute("b", set("a", "1"))).await));
    assert!(!is_done(&change(&world, "other", execute(MAIN, set("a", "1"))).await));
    let (_, state) = world.store.session_state(SESSION).await.expect("read").expect("there");
    let graphs: BTreeMap<_, _> =
        state.graphs.iter().map(|(name, graph)| (name.as_str(), graph.head.version)).collect();
    assert_eq!(graphs, BTreeMap::from([(MAIN, 1)]), "a refused command makes no graph");
    assert!(state.session.created_at > Time(0));
    // A load brings more than a command may: it is held to the session's limit as well.
    let found = copied(&world, SESSION, Which::Graph(MAIN.into()), 1 << 41).await.expect("there");
    let mut large = found.clone();
    large.head.size.bytes = limits::SESSION_BYTES_MAX + 1;
    let (limit, max) = (Limit::Bytes, limits::SESSION_BYTES_MAX);
    let full = Err(Error::Refused(store::Refusal::Graph(Refusal::Full { limit, max })));
    assert_eq!(change(&world, SESSION, Command::Load(large)).await, full);
}

pub(crate) async fn a_session_is_read_once_and_then_folded(world: World) {
    with_sessions(&world, &[SESSION]).await;
    let recent = Recent::default();
    let session = topic(SESSION);
    change(&world, SESSION, execute(MAIN, create("a"))).await.expect("done");
    let joins = (0..100).map(|_| recent.session(&*world.store, SESSION));
    let joined: Vec<_> =
        join_all(joins).await.into_iter().map(|one| one.expect("read").expect("there")).collect();
    assert!(joined.iter().all(|one| Arc::ptr_eq(one, &joined[0])), "one reading for all");
    let before = Known::clone(&joined[0]);
    announce(&world, &session, &[says("e", "alice", 2), says("e", "bob", 1)]).await.expect("told");
    change(&world, SESSION, execute("b", create("b"))).await.expect("done");
    kept_is_read(&world, &recent, SESSION).await;
    assert_eq!(*joined[0], before, "who was told a state keeps it");
    let crowd = (0..limits::PARTICIPANTS_NAMED_MAX).map(|n| says("e", &format!("u{n}"), 1));
    announce(&world, &session, &crowd.collect::<Vec<_>>()).await.expect("told");
    kept_is_read(&world, &recent, SESSION).await;
    change(&world, SESSION, Command::Close { by: "alice".into() }).await.expect("closed");
    kept_is_read(&world, &recent, SESSION).await;
    assert_eq!(recent.session(&*world.store, "nowhere").await, Ok(None));
}

pub(crate) async fn a_session_kept_of_a_lost_history_is_read_anew(world: World) {
    with_sessions(&world, &[SESSION]).await;
    let recent = Recent::default();
    let restored = world.crashed();
    change(&world, SESSION, execute(MAIN, create("lost"))).await.expect("done");
    kept_is_read(&world, &recent, SESSION).await;
    for node in ["a", "b", "c"] {
        change(&restored, SESSION, execute(MAIN, create(node))).await.expect("done");
    }
    kept_is_read(&restored, &recent, SESSION).await;
}
