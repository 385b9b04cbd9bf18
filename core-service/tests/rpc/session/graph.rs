//! Commands on graphs and what tells of them.

use roomcast_proto::registry::Code;
use roomcast_proto::v1::{self, session_event, watch_session_response::Frame};

use super::{create_node, next, next_event, set_property, snapshot, someone};
use crate::core::{refused, serve};

fn kind(event: &v1::Event) -> &session_event::Kind {
    match &event.body {
        Some(v1::event::Body::Session(fact)) => fact.kind.as_ref().expect("says something"),
        other => panic!("{other:?} is no session's"),
    }
}

#[tokio::test]
async fn a_watcher_gets_the_session_its_events_and_its_end() {
    let core = serve(|_, _| {}).await;
    let alice = someone(&core, "alice", "acme");
    let session_id = alice.session(&alice.project().await).await;
    alice.execute(&session_id, create_node("a", "")).await.expect("done");
    let mut frames = alice.watch(&session_id).await.expect("a stream");
    let first = snapshot(&mut frames).await;
    assert_eq!((first.graphs[0].version, first.graphs[0].nodes.len()), (1, 1));
    let value = " [1.0, \"\\u00e4\"]";
    let done = alice.execute(&session_id, set_property("a", "k", value)).await.expect("done");
    assert_eq!((done.version, done.changes.len()), (2, 1));
    let mut types = Vec::new();
    for _ in 0..3 {
        let event = next_event(&mut frames).await;
        if let session_event::Kind::PropertyChanged(changed) = kind(&event) {
            assert_eq!((changed.value.as_str(), changed.old_value.as_str()), (value, ""));
        }
        types.push(event.r#type.clone());
        if types.len() == 3 {
            assert_eq!(event.cursor, done.cursor, "the answer's cursor is the last event's");
        }
    }
    assert_eq!(types, ["command.executing", "graph.property_changed", "command.executed"]);
    let close = v1::CloseSessionRequest { session_id: session_id.clone() };
    let closed = alice.sessions().close_session(alice.ask(close.clone())).await.expect("closed");
    assert!(closed.into_inner().session.expect("said").close_time.is_some());
    assert_eq!(next_event(&mut frames).await.r#type, "session.closed");
    let Frame::Closed(end) = next(&mut frames).await else { panic!("no end") };
    assert_eq!(end.reason(), v1::CloseReason::Ended);
    alice.sessions().close_session(alice.ask(close)).await.expect("closing twice is closing");
    let late = alice.execute(&session_id, create_node("b", "")).await;
    assert_eq!(refused(late), Code::SessionClosed);
    let mut late = alice.watch(&session_id).await.expect("its log stays");
    assert!(snapshot(&mut late).await.session.expect("said").closed);
    assert!(matches!(next(&mut late).await, Frame::Closed(_)));
}

#[tokio::test]
async fn what_the_graph_refuses_has_a_code_and_is_an_event() {
    let core = serve(|_, _| {}).await;
    let alice = someone(&core, "alice", "acme");
    let session_id = alice.session(&alice.project().await).await;
    for (node_id, parent_id) in [("a", ""), ("b", "a")] {
        alice.execute(&session_id, create_node(node_id, parent_id)).await.expect("done");
    }
    let mut frames = alice.watch(&session_id).await.expect("a stream");
    snapshot(&mut frames).await;
    let link = |parent_id: &str, node_id: &str| v1::Link {
        parent_id: parent_id.into(),
        node_id: node_id.into(),
    };
    let delete =
        |node_id: &str| v1::command::Kind::DeleteNode(v1::DeleteNode { node_id: node_id.into() });
    for (command, code) in [
        (create_node("a", ""), Code::NodeExists),
        (create_node("c", "x"), Code::NodeNotFound),
        (delete("x"), Code::NodeNotFound),
        (delete("a"), Code::NodeHasChildren),
        (v1::command::Kind::LinkNode(link("b", "a")), Code::GraphCycle),
        (v1::command::Kind::LinkNode(link("a", "b")), Code::LinkExists),
        (v1::command::Kind::UnlinkNode(link("b", "a")), Code::LinkNotFound),
        (set_property("x", "k", "1"), Code::NodeNotFound),
    ] {
        assert_eq!(refused(alice.execute(&session_id, command).await), code);
        assert_eq!(next_event(&mut frames).await.r#type, "command.executing");
        let event = next_event(&mut frames).await;
        let session_event::Kind::Command(progress) = kind(&event) else { panic!("{event:?}") };
        assert_eq!(progress.error_code, code.as_str());
        assert!(!progress.error.is_empty() && progress.version == 2);
    }
    for malformed in [set_property("a", "k", "{"), create_node("a b", ""), delete("")] {
        let outcome = alice.execute(&session_id, malformed).await;
        assert_eq!(refused(outcome), Code::InvalidArgument, "and no event");
    }
    let conflict = v1::ExecuteCommandRequest {
        session_id: session_id.clone(),
        command: Some(v1::Command { kind: Some(delete("b")) }),
        expected_version: Some(1),
        ..Default::default()
    };
    let conflict = alice.sessions().execute_command(alice.ask(conflict)).await;
    assert_eq!(refused(conflict), Code::VersionConflict);
}

#[tokio::test]
async fn undo_and_redo_are_everybodys_and_a_key_makes_them_once() {
    let core = serve(|_, _| {}).await;
    let (alice, bob) = (someone(&core, "alice", "acme"), someone(&core, "bob", "acme"));
    let project_id = alice.project().await;
    alice.set_role(&project_id, "bob", v1::Role::Editor).await.expect("set");
    let session_id = alice.session(&project_id).await;
    let mut made = Vec::new();
    for node_id in ["a", "b"] {
        let done = alice.execute(&session_id, create_node(node_id, "")).await.expect("done");
        made.push(done.command_id);
    }
    let undo = v1::UndoCommandRequest {
        session_id: session_id.clone(),
        idempotency_key: "k".into(),
        ..Default::default()
    };
    let first = bob.sessions().undo_command(bob.ask(undo.clone())).await.expect("undone");
    let again = bob.sessions().undo_command(bob.ask(undo)).await.expect("the same");
    let (first, again) = (first.into_inner(), again.into_inner());
    assert_eq!((&first.command_id, first.version), (&made[1], 3), "bob undoes what alice did");
    assert_eq!(first, again);
    let redo = v1::RedoCommandRequest { session_id: session_id.clone(), ..Default::default() };
    let done = alice.sessions().redo_command(alice.ask(redo.clone())).await.expect("redone");
    assert_eq!(done.into_inner().command_id, made[1]);
    let nothing = alice.sessions().redo_command(alice.ask(redo)).await;
    assert_eq!(refused(nothing), Code::NothingToRedo);
    let get = v1::GetSessionRequest { session_id };
    let found = alice.sessions().get_session(alice.ask(get)).await.expect("there").into_inner();
    assert_eq!((found.graphs[0].undoable, found.graphs[0].redoable), (2, 0));
}

#[tokio::test]
async fn a_graph_is_saved_in_versions_and_loaded_back() {
    let core = serve(|_, _| {}).await;
    let alice = someone(&core, "alice", "acme");
    let session_id = alice.session(&alice.project().await).await;
    let save = v1::SaveGraphRequest {
        session_id: session_id.clone(),
        name: "mine".into(),
        ..Default::default()
    };
    for version in 1..=2 {
        let node = format!("n{version}");
        alice.execute(&session_id, create_node(&node, "")).await.expect("done");
        let saved = alice.sessions().save_graph(alice.ask(save.clone())).await.expect("saved");
        assert_eq!(saved.into_inner().version, version);
    }
    let mut frames = alice.watch(&session_id).await.expect("a stream");
    snapshot(&mut frames).await;
    let mut load = v1::LoadGraphRequest {
        session_id: session_id.clone(),
        name: "mine".into(),
        version: 1,
        ..Default::default()
    };
    let loaded = alice.sessions().load_graph(alice.ask(load.clone())).await.expect("loaded");
    assert_eq!(loaded.into_inner().graph_version, 3);
    let event = next_event(&mut frames).await;
    let session_event::Kind::Kept(kept) = kind(&event) else { panic!("{event:?}") };
    assert!(kept.loaded && kept.version == 1 && event.r#type == "project.loaded");
    let mut get = v1::GetGraphRequest { session_id: session_id.clone(), ..Default::default() };
    let found = alice.sessions().get_graph(alice.ask(get.clone())).await.expect("there");
    let found = found.into_inner();
    get.save = "mine".into();
    get.version = 1;
    let kept = alice.sessions().get_graph(alice.ask(get)).await.expect("there").into_inner();
    assert_eq!(found.graph.as_ref().expect("said").nodes, kept.graph.expect("said").nodes);
    assert_eq!((found.cursor, kept.cursor), (event.cursor, String::new()));
    load.version = 3;
    let missing = alice.sessions().load_graph(alice.ask(load)).await;
    assert_eq!(refused(missing), Code::SaveNotFound);
    let list = v1::ListSavesRequest { session_id };
    let saves = alice.sessions().list_saves(alice.ask(list)).await.expect("listed").into_inner();
    assert_eq!(saves.saves.iter().map(|save| save.version).collect::<Vec<_>>(), [2, 1]);
}
