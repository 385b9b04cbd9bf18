//! The main job: a real command under `roomcast run`, watched to its end by an unmodified
//! `socket.io-client`, by `python-socketio`, and by the console in a real Chromium.

use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};

use crate::checker::{Entry, History, Stream, check};
use crate::support::log_reader::{delivered, read_log_by_rest};
use crate::support::{Browser, Clients, Dev, Process, Rest, Socket, eventually, roomcast};

const STEPS: usize = 50;
const HALF: usize = STEPS / 2;
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_is_seen_to_its_end_by_node_python_and_the_console_in_chromium() {
    let dev = Dev::start().await;
    let (node, python) = (Clients::node().await, Clients::python().await);
    let list = Browser::open(&format!("{}/console/jobs", dev.url())).await;
    // In the middle it waits until everybody watches, however long Chromium takes to open.
    // A test that fails takes the folder away as well, and leaves nobody waiting.
    let not_yet = tempfile::tempdir().unwrap();
    let script = format!(
        "for i in $(seq 1 {STEPS}); do echo \"step $i/{STEPS}\"; sleep 0.1; \
         [ $i -ne {HALF} ] || while [ -d {} ]; do sleep 0.05; done; done",
        not_yet.path().display()
    );
    let mut run = spawn_run(&dev, &["sh", "-c", &script]);
    let rest = dev.rest();
    let job_id = running_job(&rest).await;

    let sockets = [node.connect(&dev.url(), None), python.connect(&dev.url(), None)];
    let joined = join_all(sockets.iter().map(|socket| joins(socket, &job_id))).await;
    let page = Browser::open(&format!("{}/console/jobs/{job_id}", dev.url())).await;
    let is_under_way = |bar: f64| (1.0..100.0).contains(&bar);
    page.shows("the bar moves", |sight| sight.bar.is_some_and(is_under_way)).await;
    not_yet.close().unwrap();
    for (socket, answer) in sockets.iter().zip(&joined) {
        sees_the_job_to_its_end(socket, &rest, &job_id, answer).await;
    }
    let last = format!("step {STEPS}/{STEPS}");
    page.shows("the page shows the end", |sight| {
        let has_ended = sight.text.contains("Completed") && !sight.text.contains("Cancel job");
        has_ended && sight.text.contains("100 %") && sight.text.contains(&last)
    })
    .await;
    list.shows("the list has the job", |sight| {
        sight.text.contains(&job_id) && sight.text.contains("Took ")
    })
    .await;
    assert_eq!(page.faults(), Vec::<String>::new());
    assert!(run.ended(PATIENCE).await.success());
    assert!(run.stdout_lines().iter().any(|line| line.contains(&last)), "the terminal too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_programs_output_and_exit_status_become_the_jobs_output_and_end() {
    let dev = Dev::start().await;
    let rest = dev.rest();
    let mut run = spawn_run(&dev, &["sh", "-c", "cargo --version && rustc --version --verbose"]);
    assert!(run.ended(PATIENCE).await.success());
    let job = newest_job(&rest).await.expect("the job");
    let job_id = job["job_id"].as_str().unwrap();
    assert_eq!((&job["status"], &job["progress"]), (&json!("completed"), &json!(100)));
    let text = rest.get(&format!("/jobs/{job_id}/output")).await.text;
    assert!(text.starts_with("cargo ") && text.contains("\nrustc "), "{text}");

    // Tests' own output: this very binary's, of a short test.
    let tests = std::env::current_exe().unwrap();
    let filter = "a_reset_moves_a_stream_openly";
    let mut run = spawn_run(&dev, &[tests.to_str().unwrap(), filter]);
    assert!(run.ended(PATIENCE).await.success());
    let job = newest_job(&rest).await.expect("the job");
    let path = format!("/jobs/{}/output", job["job_id"].as_str().unwrap());
    let text = rest.get(&path).await.text;
    assert!(text.contains("test result: ok. 1 passed"), "{text}");

    let mut run = spawn_run(&dev, &["sh", "-c", "echo before; echo wrong >&2; exit 3"]);
    assert_eq!(run.ended(PATIENCE).await.code(), Some(3));
    let failed = newest_job(&rest).await.expect("the job");
    let job_id = failed["job_id"].as_str().unwrap();
    assert_eq!(failed["status"], "failed");
    assert!(failed["error"].as_str().unwrap().contains('3'), "{failed}");
    let errors = rest.get(&format!("/jobs/{job_id}/output?channel=stderr")).await;
    assert_eq!(errors.text, "wrong\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seeds_client_joins_leaves_and_pings() {
    let dev = Dev::start().await;
    let job = dev.rest().post("/jobs", &json!({ "kind": "seed" })).await.ok(201);
    let job_id = &job["job_id"];
    for clients in [Clients::node().await, Clients::python().await] {
        let socket = clients.connect(&dev.url(), None);
        socket.connected().await;
        // Before it has joined anything, as clients do that ask for no acknowledgement.
        socket.emit("join_job", &json!({ "job_id": job_id }));
        let status = socket.event("job_status").await;
        assert_eq!(&status["job_id"], job_id);
        assert_eq!((&status["status"], &status["progress"]), (&json!("queued"), &json!(0)));
        let greeting = format!("Subscribed to job {}", job_id.as_str().unwrap());
        assert_eq!(status["message"], greeting);
        socket.emit("leave_job", &json!({ "job_id": job_id }));
        assert_eq!(&socket.event("job_unsubscribed").await["job_id"], job_id);
        socket.emit_with("ping", &json!([]));
        assert!(socket.event("pong").await["timestamp"].is_string());
        socket.emit("join_job", &json!({ "job_id": 123 }));
        let error = socket.event("error").await;
        assert_eq!(error["message"], "Job 123 not found or access denied");
        assert_eq!(error["code"], "job_not_found");
        socket.disconnect();
    }
    let rest = dev.rest();
    eventually("nobody is left", async || {
        let health = rest.get("/health").await.ok(200);
        (health["checks"]["socketio_manager"]["active_connections"] == 0).then_some(())
    })
    .await;
}

fn spawn_run(dev: &Dev, command: &[&str]) -> Process {
    let mut run = roomcast(&["run", "--"]);
    run.args(command).env("ROOMCAST_CORE", dev.core_url());
    Process::spawn("run", &mut run)
}

async fn running_job(rest: &Rest) -> String {
    eventually("the job runs", async || {
        let job = newest_job(rest).await?;
        (job["status"] == "running").then(|| job["job_id"].as_str().unwrap().to_owned())
    })
    .await
}

async fn newest_job(rest: &Rest) -> Option<Value> {
    Some(rest.get("/jobs?limit=1").await.ok(200)["jobs"].as_array()?.first()?.clone())
}

/// Is greeted and joins the job, which goes on. Answers what it was answered.
async fn joins(socket: &Socket, job_id: &str) -> Value {
    let connected = socket.event("connected").await;
    assert_eq!(connected["user_id"], "dev");
    assert!(connected["message"].is_string() && connected["timestamp"].is_string());
    let answer = socket.ask("join_job", &json!({ "job_id": job_id })).await;
    assert_eq!((&answer["ok"], &answer["resumed"]), (&json!(true), &json!(false)), "{answer}");
    answer
}

async fn sees_the_job_to_its_end(socket: &Socket, rest: &Rest, job_id: &str, answer: &Value) {
    let end = socket.event_where("job_update", |update| update["status"] == "completed").await;
    assert_eq!((&end["progress"], &end["job_id"]), (&json!(100), &json!(job_id)));
    let topic = format!("job:{job_id}");
    let events = socket.events();
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(&names[..2], ["connected", "job_status"], "{names:?}");
    assert!(names[2..].iter().all(|name| ["job_update", "job_output"].contains(name)), "{names:?}");
    for (name, payload) in &events[1..] {
        for field in ["job_id", "cursor", "event_id", "trace_id", "timestamp"] {
            assert!(payload[field].is_string(), "{name} has {field}: {payload}");
        }
        assert_eq!(payload["topic"], topic);
    }
    let percents: Vec<f64> =
        events[1..].iter().filter_map(|(_, payload)| payload["progress"].as_f64()).collect();
    assert!(percents.is_sorted(), "{percents:?}");

    let log = read_log_by_rest(rest, &topic).await;
    let joined_at = log.iter().find(|event| event.cursor == answer["cursor"]).unwrap();
    let entries = events[2..].iter().map(|(name, payload)| Entry::Event {
        cursor: payload["cursor"].as_str().unwrap().to_owned(),
        content: delivered(name, payload),
    });
    let stream = Stream {
        who: "socket".to_owned(),
        topic: topic.clone(),
        after: Some(joined_at.offset),
        entries: entries.collect(),
        is_complete: true,
    };
    let history =
        History { publishes: Vec::new(), logs: [(topic, log)].into(), streams: vec![stream] };
    assert_eq!(check(&history), []);
}
