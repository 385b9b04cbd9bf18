//! What goes wrong with a model: a code for each, another attempt where it may help, and no number that
//! the API has not told.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{ANSWER, World, refused, tokens};
use crate::support::Agent;
use crate::support::model::{KEY, Manner, Model};

/// Asks once, with the model in these manners, one for each attempt. No code means that it succeeds.
async fn check(world: &World, manners: &[Manner], code: Option<&str>, attempts: u64) -> Value {
    let before = world.reported();
    world.model.misbehave(manners.iter().cloned());
    let job = world.ended(&world.ask().await).await;
    let status = if code.is_some() { "failed" } else { "completed" };
    let (code, attempts) = (json!(code), json!(attempts));
    let expected = (&json!(status), &code, &attempts);
    let found = (&job["status"], &job["error_code"], &job["attempt"]);
    assert_eq!(found, expected, "{manners:?}: {job}");
    let after = world.reported();
    let told = [0, 1, 2].map(|field| after[field] - before[field]);
    let used = if job["usage"].is_null() { [0; 3] } else { tokens(&job["usage"]) };
    assert_eq!(used, told, "{manners:?}: what the API has told, over all attempts");
    job
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_attempt_may_mend_is_tried_again() {
    let world = World::new().await;
    let _agent = world.agent_with("model-patience-seconds = 3");
    check(&world, &[refused(500)], None, 2).await;
    check(&world, &[Manner::Break(10)], None, 2).await;
    check(&world, &[Manner::TrailOff(10)], None, 2).await;
    check(&world, &[Manner::FallSilent(10)], None, 2).await;
    let begun = Instant::now();
    check(&world, &[Manner::refuse_for(3)], None, 2).await;
    assert!(begun.elapsed() >= Duration::from_secs(3), "it came back as late as it was told to");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_that_stays_unwell_is_given_up_with_what_is_wrong() {
    let world = World::new().await;
    let _agent = world.agent();
    check(&world, &[refused(503), refused(503), refused(503)], Some("model_unavailable"), 3).await;
    let breaks = [Manner::Break(10), Manner::Break(10), Manner::Break(10)];
    check(&world, &breaks, Some("model_stream_cut"), 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_attempt_would_mend_fails_at_once() {
    let world = World::new().await;
    let _agent = world.agent();
    check(&world, &[Manner::HideUsage], Some("model_usage_missing"), 1).await;
    check(&world, &[refused(400)], Some("model_request_refused"), 1).await;
    let (status, code) = (StatusCode::TOO_MANY_REQUESTS, Some("insufficient_quota".to_owned()));
    let broke = Manner::Refuse { status, code, retry_after: None };
    check(&world, &[broke], Some("model_quota_exhausted"), 1).await;
    world.model.say("I would rather not.");
    check(&world, &[], Some("no_patch"), 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_patch_that_does_not_apply_is_asked_for_again_and_all_of_it_counts() {
    let world = World::new().await;
    let _agent = world.agent();
    world.model.say(&ANSWER.replace("-    \"hello\"", "-    \"good day\""));
    let job = check(&world, &[], Some("patch_does_not_apply"), 3).await;
    assert_eq!(world.model.books().len(), 3);
    assert!(job["error"].as_str().unwrap().contains("src/greeting.rs"), "{job}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_key_is_said_to_be_wrong_and_shown_to_nobody() {
    let world = World::new().await;
    let wrong = format!("{KEY}-wrong");
    let mut agent = world.agent_of(&world.model, &wrong, "");
    let job = check(&world, &[], Some("model_key_refused"), 1).await;
    let log = agent.process().stderr_lines().join("\n");
    assert!(!job.to_string().contains(&wrong) && !log.contains(&wrong));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_is_not_there_is_said_to_be_missing() {
    let world = World::new().await;
    let gone = Model::that_says(ANSWER).await;
    let _agent = world.agent_of(&gone, KEY, "");
    drop(gone);
    check(&world, &[], Some("model_unreachable"), 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_no_agent_takes_in_time_fails_and_says_so() {
    let world = World::new().await;
    // It runs tests alone: it has no model.
    let settings = format!("[workspaces.default]\nfolder = {:?}\n", world.folder.path());
    let _agent = Agent::start(&world.system.core.url(), &settings);
    // As a message becomes one, but that nobody has a minute here.
    let project = &world.project_id;
    let message = json!({
        "kind": "vibecode", "project_id": project, "input": { "prompt": "x" },
        "timeouts": { "schedule_to_start_ms": 300 },
    });
    let asked = world.ana.post("/jobs", &message).await.ok(201);
    let job = world.ended(&asked).await;
    assert_eq!((&job["status"], &job["error_code"]), (&json!("failed"), &json!("no_worker")));
    assert_eq!(job["attempt"], 0, "nobody has begun");
}
