//! Money, where the API tells of it: what everybody is shown is what its books say.

use serde_json::{Value, json};

use super::World;
use crate::support::Clients;
use crate::support::model::{Entry, Manner};

/// What these requests cost.
fn cost(books: &[Entry]) -> u64 {
    books.iter().map(|entry| entry.usage.cost_micros()).sum()
}

fn told(usage: &Value) -> u64 {
    usage["cost_micros"].as_u64().unwrap_or_else(|| panic!("a cost in {usage}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_answers_cost_is_summed_over_a_session_and_a_project() {
    let world = World::new().await;
    let _agent = world.agent();
    let clients = Clients::node().await;
    let socket = world.subscriber(&clients).await;
    world.model.misbehave([Manner::Charge, Manner::Charge]);
    for number in 0..2 {
        let job = world.ended(&world.ask().await).await;
        let entry = &world.model.books()[number..=number];
        assert_eq!(told(&job["usage"]), cost(entry), "{job}");
        let is_its = |answer: &Value| answer["job_id"] == job["job_id"];
        let answer = socket.event_where("vibecode_response", is_its).await;
        assert_eq!(told(&answer["token_usage"]), cost(entry), "{answer}");
    }
    let all = cost(&world.model.books());
    assert!(all > 0, "it costs something");
    for path in
        [format!("/projects/{}", world.project_id), format!("/sessions/{}", world.session_id)]
    {
        assert_eq!(told(&world.ana.get(&path).await.ok(200)["usage"]), all, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_stops_where_its_money_ends() {
    let world = World::new().await;
    let _agent = world.agent_with("model-job-cost-max = 50");
    world.model.misbehave([Manner::Charge]);
    let job = world.ended(&world.ask().await).await;
    assert_eq!((&job["status"], &job["error_code"]), (&json!("failed"), &json!("budget_exceeded")));
    assert_eq!(job["attempt"], 1, "another attempt would cost more");
    let books = world.model.books();
    assert_eq!((books.len(), told(&job["usage"])), (1, cost(&books)), "what was spent is told");
}
