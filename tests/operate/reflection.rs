//! Debugging as with grpcurl: everything by reflection, with `buf curl` from npm.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD as STANDARD_NO_PAD;
use roomcast_identity::Scope;
use serde_json::{Value, json};

use crate::support::service;
use crate::support::{Core, Process, buf, eventually, finish};

const HEADER: &str = "x-roomcast-service";

/// `buf curl` as a service with every scope.
fn curl(arguments: &[&str]) -> std::process::Command {
    let mut command = buf();
    let token = format!("{HEADER}: {}", service(&[Scope::Admin]));
    command
        .args(["curl", "--protocol", "grpc", "--http2-prior-knowledge", "--header", &token])
        .args(arguments);
    command
}

fn method(core: &Core, name: &str) -> String {
    format!("{}/roomcast.v1.{name}", core.url())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_and_methods_are_listed_and_described_by_reflection() {
    let core = Core::start().await;
    let services = finish(&mut curl(&["--list-services", &core.url()])).await.ok();
    for service in [
        "grpc.health.v1.Health",
        "roomcast.v1.BroadcastService",
        "roomcast.v1.JobService",
        "roomcast.v1.SessionService",
    ] {
        assert!(services.lines().any(|line| line == service), "{service} in {services}");
    }
    let methods = finish(&mut curl(&["--list-methods", &core.url()])).await.ok();
    for name in ["JobService/CreateJob", "JobService/WatchJob", "BroadcastService/WatchTopic"] {
        assert!(methods.contains(&format!("roomcast.v1.{name}")), "{name} in {methods}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_created_watched_and_cancelled_and_a_topic_tailed_by_reflection() {
    let core = Core::start().await;
    let create = method(&core, "JobService/CreateJob");
    let made = finish(&mut curl(&["--data", r#"{"kind":"by-hand"}"#, &create])).await.ok();
    let made: Value = serde_json::from_str(&made).unwrap();
    let job_id = made["job"]["jobId"].as_str().unwrap();
    assert_eq!(made["job"]["state"], "JOB_STATE_QUEUED");

    let name = json!({ "job_id": job_id }).to_string();
    let watch = method(&core, "JobService/WatchJob");
    let mut watching = Process::spawn("watch", &mut curl(&["--data", &name, &watch]));
    eventually("the snapshot is shown", async || {
        watching.stdout_lines().concat().contains("\"snapshot\"").then_some(())
    })
    .await;
    let cancel = method(&core, "JobService/CancelJob");
    finish(&mut curl(&["--data", &name, &cancel])).await.ok();
    assert!(watching.ended(std::time::Duration::from_secs(30)).await.success());
    watching.finish_reading();
    let shown = watching.stdout_lines().concat();
    assert!(
        shown.contains("JOB_STATE_CANCELLED") && shown.contains("CLOSE_REASON_ENDED"),
        "{shown}"
    );

    let room = json!({ "topic": "room:open" }).to_string();
    let tail = method(&core, "BroadcastService/WatchTopic");
    let tailing = Process::spawn("tail", &mut curl(&["--data", &room, &tail]));
    eventually("the tail follows", async || {
        tailing.stdout_lines().concat().contains("\"caughtUp\"").then_some(())
    })
    .await;
    let event =
        json!({ "topic": "room:open", "event": { "type": "seen", "payload": { "data": "e30=" } } });
    let publish = method(&core, "BroadcastService/Publish");
    finish(&mut curl(&["--data", &event.to_string(), &publish])).await.ok();
    eventually("the event is shown", async || {
        tailing.stdout_lines().concat().contains("\"seen\"").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_shows_its_status_its_message_and_its_details() {
    let core = Core::start().await;
    let get = method(&core, "JobService/GetJob");
    let failed = finish(&mut curl(&["--data", r#"{"job_id":"nothing"}"#, &get])).await;
    assert_ne!(failed.code, Some(0));
    let shown: Value = serde_json::from_str(&failed.err).unwrap();
    assert_eq!(shown["code"], "not_found");
    assert_eq!(shown["message"], "Job nothing not found or access denied");
    let info = shown["details"].as_array().unwrap().iter();
    let info = info.filter(|detail| detail["type"] == "google.rpc.ErrorInfo").collect::<Vec<_>>();
    let value = STANDARD_NO_PAD.decode(info[0]["value"].as_str().unwrap()).unwrap();
    let reason = String::from_utf8_lossy(&value).into_owned();
    assert!(reason.contains("job_not_found"), "{reason}");
}
