//! Who is in a session.

use roomcast_identity::Scope;
use roomcast_proto::registry::Code;
use roomcast_proto::v1::{self, session_event};

use super::{next_event, snapshot, someone};
use crate::core::{Core, refused, request, serve, service};

async fn announce(
    core: &Core,
    edge_id: &str,
    session_id: &str,
    users: &[(&str, u32)],
) -> v1::AnnouncePresenceResponse {
    let presences = users.iter().map(|(user_id, connections)| v1::Presence {
        topic: format!("session:{session_id}"),
        tenant: "acme".into(),
        user_id: (*user_id).into(),
        connections: *connections,
    });
    let (edge_id, presences) = (edge_id.into(), presences.collect());
    let wanted = v1::AnnouncePresenceRequest { edge_id, presences, ..Default::default() };
    let asked = request(wanted, Some(&service(&[Scope::Edge, Scope::Service])), None);
    core.sessions().announce_presence(asked).await.expect("taken").into_inner()
}

fn changed(event: &v1::Event) -> (&str, bool, u32, u32) {
    let Some(v1::event::Body::Session(fact)) = &event.body else { panic!("{event:?}") };
    let Some(session_event::Kind::Presence(changed)) = &fact.kind else { panic!("{event:?}") };
    (&changed.user_id, changed.connected, changed.connections, changed.participants)
}

#[tokio::test]
async fn who_comes_and_goes_is_told_and_listed() {
    let core = serve(|_, _| {}).await;
    let alice = someone(&core, "alice", "acme");
    let session_id = alice.session(&alice.project().await).await;
    let mut frames = alice.watch(&session_id).await.expect("a stream");
    assert_eq!(snapshot(&mut frames).await.participant_count, 0);
    assert!(!announce(&core, "e1", &session_id, &[("alice", 2)]).await.known);
    assert_eq!(changed(&next_event(&mut frames).await), ("alice", true, 2, 1));
    announce(&core, "e2", &session_id, &[("bob", 1)]).await;
    assert_eq!(changed(&next_event(&mut frames).await), ("bob", true, 1, 2));
    let list = v1::ListParticipantsRequest { session_id: session_id.clone() };
    let listed = alice.sessions().list_participants(alice.ask(list)).await.expect("a list");
    let listed = listed.into_inner();
    let users: Vec<_> = listed.participants.iter().map(|user| user.user_id.as_str()).collect();
    assert_eq!((users, listed.participant_count), (vec!["alice", "bob"], 2));
    assert!(announce(&core, "e1", &session_id, &[("alice", 0)]).await.known);
    assert_eq!(changed(&next_event(&mut frames).await), ("alice", false, 0, 1));
    let mut again = alice.watch(&session_id).await.expect("a stream");
    let found = snapshot(&mut again).await;
    assert_eq!(found.participants[0].user_id, "bob");
    assert_eq!(found.participant_count, 1);
}

#[tokio::test]
async fn an_edge_is_told_to_say_all_again_until_it_has_heard_so() {
    let core = serve(|_, _| {}).await;
    let say = async |number: u64, heard: &str| {
        let (edge_id, core_id) = ("e1".into(), heard.into());
        let wanted = v1::AnnouncePresenceRequest { edge_id, number, core_id, ..Default::default() };
        let asked = request(wanted, Some(&service(&[Scope::Edge])), None);
        let answer = core.sessions().announce_presence(asked).await;
        answer.map(|answer| (answer.get_ref().known, answer.get_ref().core_id.clone()))
    };
    let (_, first) = say(1, "").await.expect("new");
    assert_eq!(say(2, &first).await.expect("at home"), (true, first.clone()));
    let (is_known, second) = say(3, "elsewhere").await.expect("it was at another core");
    assert!(!is_known && second != first);
    let (is_known, third) = say(4, "elsewhere").await.expect("it has not heard the answer");
    assert!(!is_known && third != second);
    assert!(!say(5, &first).await.expect("an answer from before").0);
    let (_, last) = say(6, &second).await.expect("an answer from before");
    assert!(say(7, &last).await.expect("at home").0);
    assert_eq!(refused(say(6, &last).await), Code::Fenced, "a word that came late");
}

#[tokio::test]
async fn only_an_edge_announces() {
    let core = serve(|_, _| {}).await;
    let alice = someone(&core, "alice", "acme");
    let wanted = v1::AnnouncePresenceRequest { edge_id: "e".into(), ..Default::default() };
    let outcome = alice.sessions().announce_presence(alice.ask(wanted)).await;
    assert_eq!(refused(outcome), Code::PermissionDenied);
}

/// Waits for the event that tells this number.
async fn counted(frames: &mut tonic::Streaming<v1::WatchSessionResponse>, wanted: u32) {
    loop {
        let event = next_event(frames).await;
        let Some(v1::event::Body::Session(fact)) = &event.body else { panic!("{event:?}") };
        if let Some(session_event::Kind::Counted(count)) = &fact.kind
            && count.participants == wanted
        {
            return;
        }
    }
}

#[tokio::test]
async fn a_session_counts_as_many_as_its_limit_and_the_next_when_one_has_gone() {
    const LIMIT: u32 = 10_000;
    let core = serve(|_, _| {}).await;
    let alice = someone(&core, "alice", "acme");
    let session_id = alice.session(&alice.project().await).await;
    let mut frames = alice.watch(&session_id).await.expect("a stream");
    snapshot(&mut frames).await;
    let users: Vec<String> = (0..LIMIT).map(|number| format!("u{number:05}")).collect();
    for some in users.chunks(1000) {
        let some: Vec<_> = some.iter().map(|user| (user.as_str(), 1)).collect();
        announce(&core, "e1", &session_id, &some).await;
    }
    counted(&mut frames, LIMIT).await;
    announce(&core, "e1", &session_id, &[("beyond", 1), ("u00000", 0)]).await;
    counted(&mut frames, LIMIT - 1).await;
    announce(&core, "e1", &session_id, &[("next", 1)]).await;
    counted(&mut frames, LIMIT).await;
    let list = v1::ListParticipantsRequest { session_id };
    let listed = alice.sessions().list_participants(alice.ask(list)).await.expect("a list");
    let listed = listed.into_inner();
    assert_eq!((listed.participant_count, listed.participants.len()), (LIMIT, 0));
}

#[tokio::test]
async fn a_call_names_at_most_a_thousand_users() {
    let core = serve(|_, _| {}).await;
    let presences = vec![v1::Presence::default(); 1001];
    let wanted =
        v1::AnnouncePresenceRequest { edge_id: "e".into(), presences, ..Default::default() };
    let asked = request(wanted, Some(&service(&[Scope::Edge])), None);
    let outcome = core.sessions().announce_presence(asked).await;
    assert_eq!(refused(outcome), Code::InvalidArgument);
}

#[tokio::test]
async fn who_is_connected_is_told_by_edges_and_shown_to_operators_of_the_tenant() {
    let core = serve(|_, _| {}).await;
    let connection = |id: &str, tenant: &str| v1::Connection {
        connection_id: id.into(),
        tenant: tenant.into(),
        ..Default::default()
    };
    for (edge_id, number, all) in [
        ("e1", 1, vec![connection("gone", "acme")]),
        ("e1", 2, vec![connection("one", "acme"), connection("hidden", "other")]),
        ("e2", 1, vec![connection("two", "acme")]),
    ] {
        let connections = vec![v1::ConnectionPart { part: 0, connections: all }];
        let edge_id = edge_id.into();
        let wanted =
            v1::AnnouncePresenceRequest { edge_id, number, connections, ..Default::default() };
        let asked = request(wanted, Some(&service(&[Scope::Edge])), None);
        core.sessions().announce_presence(asked).await.expect("taken");
    }
    let wanted = v1::ListConnectionsRequest { tenant: "acme".into(), ..Default::default() };
    let asked = request(wanted.clone(), Some(&service(&[Scope::Service])), None);
    let page = core.sessions().list_connections(asked).await.expect("a page").into_inner();
    let found = page.connections.into_iter().map(|one| {
        (one.edge_id, one.connection.map(|connection| connection.connection_id).unwrap_or_default())
    });
    let expected = [("e1", "one"), ("e2", "two")].map(|(edge, id)| (edge.into(), id.into()));
    assert_eq!(
        (found.collect::<Vec<_>>(), page.next_page_token),
        (expected.to_vec(), String::new())
    );
    let asked = request(wanted, Some(&service(&[Scope::Edge])), None);
    assert_eq!(refused(core.sessions().list_connections(asked).await), Code::PermissionDenied);
}
