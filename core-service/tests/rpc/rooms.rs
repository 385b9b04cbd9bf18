//! Declared rooms: who reads them, who publishes what, and what they are told of on joining.

use roomcast_core::config::rooms;
use roomcast_identity::{Scope, User, mint_user};
use roomcast_proto::registry::Code;
use roomcast_proto::v1;
use roomcast_proto::v1::join_response::Snapshot;

use crate::core::{Core, TTL, refused, request, secret, serve, service, user};

const DECLARED: &str = r#"
    agents.publish.agent_status_update = ["role:agent", "user:vera"]
    ward = { read = ["role:nurse"], publish = "everyone" }
"#;

async fn declared() -> Core {
    serve(|config, _| config.rooms = rooms::parse(DECLARED).expect("rooms")).await
}

fn with_role(id: &str, role: &str) -> String {
    let user = User { id: id.into(), roles: vec![role.into()], ..User::dev() };
    mint_user(&secret("users-secret-users-secret-users-secret"), &user, TTL).expect("a token")
}

fn event(kind: &str, data: &str) -> v1::NewEvent {
    let payload = Some(v1::Payload { data: data.to_owned().into(), ..v1::Payload::default() });
    v1::NewEvent { r#type: kind.into(), payload }
}

async fn publish(
    core: &Core,
    token: &str,
    room: &str,
    kind: &str,
) -> Result<String, tonic::Status> {
    let event = Some(event(kind, r#"{"timestamp": 1}"#));
    let publish = v1::PublishRequest { topic: format!("room:{room}"), event, ..Default::default() };
    let edge = service(&[Scope::Edge]);
    let answer = core.broadcast().publish(request(publish, Some(&edge), Some(token))).await?;
    Ok(answer.into_inner().published.expect("an event").event_id)
}

async fn join(core: &Core, token: &str, room: &str) -> Result<v1::JoinResponse, tonic::Status> {
    let join = v1::JoinRequest { topic: format!("room:{room}"), ..v1::JoinRequest::default() };
    let edge = service(&[Scope::Edge]);
    Ok(core.broadcast().join(request(join, Some(&edge), Some(token))).await?.into_inner())
}

#[tokio::test]
async fn a_room_says_who_publishes_which_event() {
    let core = declared().await;
    let agent = with_role("a1", "agent");
    for token in [&agent, &user("vera", "default"), &with_role("root", "admin")] {
        publish(&core, token, "agents", "agent_status_update").await.expect("published");
    }
    publish(&core, &user("ana", "default"), "ward", "anything").await.expect_err("has a timestamp");
    for (token, room, kind) in [
        (&agent, "agents", "other"),
        (&agent, "tasks", "task_update"),
        (&user("ana", "default"), "agents", "agent_status_update"),
        (&user("ana", "default"), "admin", "alert"),
        (&user("ana", "default"), "nowhere", "alert"),
    ] {
        let answer = publish(&core, token, room, kind).await;
        assert_eq!(refused(answer), Code::PermissionDenied, "{kind} to {room}");
    }
}

#[tokio::test]
async fn a_batch_needs_the_right_to_each_of_its_events() {
    let core = declared().await;
    let batch = |kinds: &[&str]| v1::PublishBatchRequest {
        topic: "room:agents".into(),
        events: kinds.iter().map(|kind| event(kind, "{}")).collect(),
        ..v1::PublishBatchRequest::default()
    };
    let (edge, agent) = (service(&[Scope::Edge]), with_role("a1", "agent"));
    let mut broadcast = core.broadcast();
    let mixed = batch(&["agent_status_update", "other"]);
    let answer = broadcast.publish_batch(request(mixed, Some(&edge), Some(&agent))).await;
    assert_eq!(refused(answer), Code::PermissionDenied);
    let own = batch(&["agent_status_update", "agent_status_update"]);
    let answer = broadcast.publish_batch(request(own, Some(&edge), Some(&agent))).await;
    assert_eq!(answer.expect("published").into_inner().published.len(), 2);
}

#[tokio::test]
async fn a_room_is_read_by_those_it_names_and_its_last_values_are_told_where_it_says_so() {
    let core = declared().await;
    let (ana, nurse) = (user("ana", "default"), with_role("nina", "nurse"));
    publish(&core, &with_role("a1", "agent"), "agents", "agent_status_update").await.expect("ok");
    let agents = join(&core, &ana, "agents").await.expect("joined");
    assert!(agents.tells_last);
    let Some(Snapshot::LastValues(values)) = agents.snapshot else { panic!("{agents:?}") };
    assert_eq!(values.events.len(), 1);
    assert!(!join(&core, &nurse, "ward").await.expect("joined").tells_last);
    for room in ["ward", "admin", "dashboard", "nowhere"] {
        assert_eq!(refused(join(&core, &ana, room).await), Code::TopicNotFound, "{room}");
    }
    assert_eq!(refused(join(&core, &user("ana", "acme"), "ward").await), Code::TopicNotFound);
}

#[tokio::test]
async fn a_question_for_access_names_the_rooms_that_the_user_may_read() {
    let core = declared().await;
    let ask = async |token: &str, rooms: &[&str]| {
        let rooms = rooms.iter().map(|room| String::from(*room)).collect();
        let edge = service(&[Scope::Edge]);
        let check = request(v1::CheckAccessRequest { rooms }, Some(&edge), Some(token));
        core.access().check_access(check).await.map(|answer| answer.into_inner().rooms)
    };
    let asked = ["agents", "ward", "admin", "nowhere", "a b", "dashboard"];
    assert_eq!(ask(&user("ana", "default"), &asked).await.expect("let in"), ["agents"]);
    let nurse = with_role("nina", "nurse");
    assert_eq!(ask(&nurse, &asked).await.expect("let in"), ["agents", "ward"]);
    let (most, too_many) = (["agents"; 32], ["agents"; 33]);
    assert_eq!(ask(&nurse, &most).await.expect("let in").len(), 32);
    assert_eq!(refused(ask(&nurse, &too_many).await), Code::InvalidArgument);
}

#[tokio::test]
async fn nothing_is_published_to_a_view() {
    let core = declared().await;
    let answer = publish(&core, &with_role("root", "admin"), "dashboard", "news").await;
    assert_eq!(refused(answer), Code::TopicReserved);
}
