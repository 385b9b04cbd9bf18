//! An agent that is killed in the middle of an answer.

use std::time::Duration;

use serde_json::{Value, json};

use super::{ANSWER, World};
use crate::support::model::Manner;
use crate::support::{Clients, user, within};

/// A lease runs out, and the next attempt is done.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_watches_a_killed_agent_sees_the_next_attempt_begin_clean() {
    let world = World::new().await;
    world.model.misbehave([Manner::FallSilent(12)]);
    let clients = Clients::node().await;
    let socket = clients.connect(&world.system.edge.url(), Some(&user("ana")));
    socket.connected().await;
    let project = json!({ "project_id": world.project_id });
    assert_eq!(socket.ask("subscribe", &project).await["ok"], true);
    let asked = world.ask().await;
    let job_id = asked["job_id"].clone();
    assert_eq!(socket.ask("join_job", &json!({ "job_id": job_id })).await["ok"], true);
    // Whoever comes after the first words is not told of them one by one.
    let mut agent = world.agent();
    socket.event("job_output").await;
    agent.kill_and_replace();
    within(PATIENCE, "the job ends", async || {
        let mut updates = of(&socket.events(), "job_update").into_iter();
        updates.find(|update| update["status"] == "completed")
    })
    .await;

    let topic = json!(format!("job:{}", job_id.as_str().unwrap()));
    let events: Vec<(String, Value)> =
        socket.events().into_iter().filter(|(_, payload)| payload["topic"] == topic).collect();
    let is_beginning = |(name, payload): &(String, Value)| {
        name == "job_update" && payload["attempt"] == 2 && payload["status"] == "running"
    };
    let second = events.iter().position(is_beginning).expect("a second attempt");
    let (first, second) = events.split_at(second);
    assert_eq!(second[0].1["progress"], 0, "the bar begins anew");
    assert!(of(first, "job_output").iter().all(|output| output["attempt"] == 1));
    let mut text = String::new();
    for output in of(second, "job_output") {
        assert_eq!((&output["attempt"], &output["offset"]), (&json!(2), &json!(text.len())));
        text.push_str(output["data"].as_str().unwrap());
    }
    assert_eq!(text, ANSWER, "nothing of the first attempt is in it");
    let answers = of(&events, "vibecode_response");
    assert_eq!(answers.len(), 1, "one answer: {answers:?}");
    assert_eq!(answers[0]["attempt"], 2);
    let last = &events.last().unwrap().1;
    assert_eq!((&last["status"], &last["progress"]), (&json!("completed"), &json!(100)));
}

/// The payloads of a name.
fn of(events: &[(String, Value)], name: &str) -> Vec<Value> {
    events.iter().filter(|(event, _)| event == name).map(|(_, payload)| payload.clone()).collect()
}
