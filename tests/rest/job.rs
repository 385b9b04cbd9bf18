//! `/jobs`.

use serde_json::json;

use crate::support::worker::{completed, output, progress};
use crate::support::{System, Worker, admin, eventually, user};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_lives_its_whole_life_over_rest() {
    let system = System::start().await;
    let ana = system.edge.rest(&user("ana"));
    let body = json!({
        "kind": "report", "input": { "pages": 3 }, "priority": 5, "labels": { "team": "x" },
        "retry": { "max_attempts": 2 }, "timeouts": { "attempt_ms": 60_000 },
    });
    let made = ana.post("/api/v1/jobs", &body).await;
    let job = made.ok(201);
    let job_id = job["job_id"].as_str().unwrap();
    assert_eq!(made.headers["location"], format!("/api/v1/jobs/{job_id}"));
    assert_eq!((&job["status"], &job["owner"]), (&json!("queued"), &json!("ana")));

    let worker = Worker::new("w", system.core.jobs());
    let held = worker.lease("report").await;
    assert_eq!(
        held.job.as_ref().unwrap().input.as_ref().unwrap().data,
        r#"{"pages":3}"#.as_bytes()
    );
    worker.report(progress(&held, 1, 40.0)).await.unwrap();
    worker.report(output(&held, 2, 0, "first\nsecond\n")).await.unwrap();
    let path = format!("/jobs/{job_id}");
    let running = ana.get(&path).await.ok(200);
    assert_eq!((&running["status"], &running["progress"]), (&json!("running"), &json!(40)));
    assert_eq!((&running["attempt"], &running["input"]), (&json!(1), &json!({ "pages": 3 })));
    assert_eq!(ana.post(&format!("{path}/retry"), &json!({})).await.problem(), "job_not_ended");
    worker.report(completed(&held, 3)).await.unwrap();

    let ended = ana.get(&path).await.ok(200);
    assert_eq!((&ended["status"], &ended["progress"]), (&json!("completed"), &json!(100)));
    assert_eq!(ended["result"], json!({ "done": true }));
    for field in ["created_at", "started_at", "completed_at", "trace_id", "cursor"] {
        assert!(ended[field].is_string(), "{field}");
    }
    let piece = ana.get(&format!("{path}/output?from=6&channel=stdout&limit=6")).await;
    assert_eq!((piece.status, piece.text.as_str()), (200, "second"));
    assert_eq!(piece.headers["x-offset"], "6");
    assert_eq!(piece.headers["x-next-offset"], "12");
    assert_eq!(piece.headers["x-size"], "13");

    let events = ana.get(&format!("{path}/events")).await.ok(200);
    let types: Vec<&str> =
        events["events"].as_array().unwrap().iter().filter_map(|e| e["type"].as_str()).collect();
    assert_eq!((types[0], *types.last().unwrap()), ("job.created", "job.completed"));
    let keyed = json!({ "idempotency_key": "k" });
    let again = ana.post(&format!("{path}/retry"), &keyed).await.ok(201);
    assert_eq!(again["retry_of"], job_id);
    let repeated = ana.post(&format!("{path}/retry"), &keyed).await.ok(201);
    assert_eq!(repeated["job_id"], again["job_id"]);
    let new_path = format!("/jobs/{}/cancel", again["job_id"].as_str().unwrap());
    let cancelled = ana.post(&new_path, &json!({ "reason": "enough" })).await.ok(200);
    assert_eq!(cancelled["status"], "cancelled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_core_refuses_is_named_as_it_was_asked_for() {
    let system = System::start().await;
    let root = system.edge.rest(&admin("root"));
    let year = 400 * 86_400_000_u64;
    for (path, body, field) in [
        (
            "/jobs",
            json!({ "kind": "k", "retry": { "initial_backoff_ms": year } }),
            "retry.initial_backoff_ms",
        ),
        (
            "/jobs",
            json!({ "kind": "k", "timeouts": { "attempt_ms": year } }),
            "timeouts.attempt_ms",
        ),
        ("/jobs", json!({ "kind": "k", "timeouts": { "total_ms": year } }), "timeouts.total_ms"),
        (
            "/revocations",
            json!({ "token_id": "t", "expires_at": "2001-01-01T00:00:00Z" }),
            "expires_at",
        ),
    ] {
        let refused = root.post(path, &body).await;
        assert_eq!(refused.problem(), "invalid_argument", "{body}");
        let problem = refused.json();
        assert_eq!(problem["errors"][0]["field"], field, "{body}");
        assert!(problem["detail"].as_str().unwrap().starts_with(field), "{problem}");
    }
    let refused = root.get("/explain?user=&topic=room:open").await;
    assert_eq!(refused.json()["errors"][0]["field"], "user");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_are_listed_by_every_filter_and_paged_by_opaque_tokens() {
    let system = System::start().await;
    let ana = system.edge.rest(&user("ana"));
    for number in 0..5 {
        let labels = json!({ "parity": (number % 2).to_string() });
        ana.post("/jobs", &json!({ "kind": "listed", "labels": labels })).await.ok(201);
    }
    let first = ana.get("/jobs?limit=3").await.ok(200);
    let token = first["next_page_token"].as_str().unwrap();
    let second = ana.get(&format!("/jobs?limit=3&page_token={token}")).await.ok(200);
    assert_eq!(second["next_page_token"], json!(null));
    let count = |page: &serde_json::Value| page["jobs"].as_array().unwrap().len();
    assert_eq!((count(&first), count(&second)), (3, 2));
    for (query, expected) in [
        ("label=parity=0", 3),
        ("status=queued&kind=listed", 5),
        ("status=running,completed", 0),
        ("kind=other", 0),
    ] {
        assert_eq!(count(&ana.get(&format!("/jobs?{query}")).await.ok(200)), expected, "{query}");
    }
    let root = system.edge.rest(&admin("root"));
    assert_eq!(count(&root.get("/jobs?owner=ana").await.ok(200)), 5);
    assert_eq!(count(&root.get("/jobs?owner=bob").await.ok(200)), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operators_routes_say_how_the_edge_is_with_its_core_and_without() {
    let mut system = System::start().await;
    let rest = crate::support::Rest::new(&system.edge.url(), None);
    let root = rest.get("/").await.ok(200);
    for field in ["message", "version", "docs", "websocket"] {
        assert!(root[field].is_string(), "{field}");
    }
    assert_eq!(rest.get("/health").await.ok(200)["status"], "healthy");
    rest.get("/livez").await.ok(200);
    assert_eq!(rest.get("/openapi.json").await.ok(200)["openapi"], "3.1.0");
    assert_eq!(rest.get("/docs").await.status, 200);
    system.core.kill();
    eventually("the edge is not ready without its core", async || {
        let ready = rest.get("/readyz").await;
        (ready.status == 503 && ready.problem() == "core_unavailable").then_some(())
    })
    .await;
    rest.get("/livez").await.ok(200);
    assert_eq!(rest.get("/health").await.ok(200)["status"], "degraded");
    let ana = system.edge.rest(&user("ana"));
    let refused = ana.get("/jobs").await;
    assert_eq!((refused.status, refused.problem()), (503, "core_unavailable"));
    assert!(refused.headers.contains_key("retry-after"));
    system.core.restart().await;
    eventually("the edge is ready again by itself", async || {
        (rest.get("/readyz").await.status == 200).then_some(())
    })
    .await;
}
