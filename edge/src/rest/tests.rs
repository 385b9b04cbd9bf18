//! The routes as a whole, with a core that nobody can reach.

use std::collections::BTreeSet;

use axum::body::{Body, to_bytes};
use http::{Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt as _;

use super::*;
use crate::config::{AuthMode, Config};

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

struct Answer {
    status: StatusCode,
    headers: http::HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

fn edge(auth: AuthMode) -> Router {
    // Port 1 refuses: nothing listens there.
    let cores = vec!["http://127.0.0.1:1".to_owned()];
    let dev = auth == AuthMode::Dev;
    router(AppState::new(Config { auth, cores, dev, ..Config::default() }).unwrap())
}

async fn ask(edge: Router, request: http::request::Builder, body: &str) -> Answer {
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let response = edge.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    Answer {
        status: parts.status,
        headers: parts.headers,
        text: String::from_utf8(bytes.to_vec()).unwrap(),
    }
}

async fn get(path: &str) -> Answer {
    ask(edge(AuthMode::Dev), Request::get(path), "").await
}

async fn post(path: &str, body: &str) -> Answer {
    let request = Request::post(path).header("content-type", "application/json");
    ask(edge(AuthMode::Dev), request, body).await
}

#[track_caller]
fn check(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem = answer.json();
    assert_eq!(problem["code"], code, "{problem}");
    assert_eq!(problem["status"], status);
    assert_eq!(problem["trace_id"].as_str().unwrap().len(), 32);
}

#[tokio::test]
async fn every_described_route_is_served_at_both_places() {
    let (_, document) = described().split_for_parts();
    let document = serde_json::to_value(&document).unwrap();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let concrete = path.replace("{job_id}", "j1").replace("{topic}", "room:metrics");
            for prefix in ["", PREFIX] {
                let place = format!(
                    "{prefix}{}",
                    if prefix.is_empty() || concrete != "/" { &concrete } else { "" }
                );
                let request = Request::builder().method(method.to_uppercase().as_str()).uri(&place);
                let answer = ask(edge(AuthMode::Dev), request, "").await;
                let is_unknown = answer.status == 404 && answer.text.contains("route_not_found");
                assert!(
                    answer.status != 405 && !is_unknown,
                    "{method} {place}: {} {}",
                    answer.status,
                    answer.text
                );
            }
        }
    }
}

#[test]
fn no_route_is_left_undescribed() {
    let (_, document) = described().split_for_parts();
    let value = serde_json::to_value(&document).unwrap();
    let paths: BTreeSet<_> =
        value["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        paths.into_iter().collect::<Vec<_>>(),
        [
            "/",
            "/audit",
            "/commands/execute",
            "/commands/redo",
            "/commands/undo",
            "/connections",
            "/connections/{id}/disconnect",
            "/debug/socketio",
            "/debug/socketio/broadcast",
            "/docs",
            "/explain",
            "/health",
            "/jobs",
            "/jobs/{job_id}",
            "/jobs/{job_id}/cancel",
            "/jobs/{job_id}/events",
            "/jobs/{job_id}/output",
            "/jobs/{job_id}/retry",
            "/livez",
            "/metrics",
            "/openapi.json",
            "/projects",
            "/projects/{project_id}",
            "/projects/{project_id}/events",
            "/projects/{project_id}/members",
            "/projects/{project_id}/members/{user_id}",
            "/projects/{project_id}/sessions",
            "/projects/{project_id}/test-runs",
            "/readyz",
            "/revocations",
            "/revocations/{revocation_id}",
            "/rooms",
            "/rooms/{room}/presence",
            "/sessions/{session_id}",
            "/sessions/{session_id}/close",
            "/sessions/{session_id}/events",
            "/sessions/{session_id}/graphs/{graph}",
            "/sessions/{session_id}/load",
            "/sessions/{session_id}/messages",
            "/sessions/{session_id}/participants",
            "/sessions/{session_id}/save",
            "/sessions/{session_id}/saves",
            "/sessions/{session_id}/saves/{name}",
            "/tickets",
            "/topics",
            "/topics/{topic}",
            "/topics/{topic}/events",
            "/topics/{topic}/events:batch",
            "/users",
            "/users/{user_id}",
            "/users/{user_id}/disable",
            "/users/{user_id}/enable",
            "/websocket/stats",
            "/whoami",
        ]
    );
}

/// Routes are declared by `routes!`, which describes them, or stand beside the API, outside of `rest`.
#[test]
fn no_route_stands_beside_the_description() {
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/rest")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && !path.ends_with("tests.rs") {
            let source = std::fs::read_to_string(&path).unwrap();
            assert!(!source.contains(".route("), "{} declares a bare route", path.display());
        }
    }
}

#[tokio::test]
async fn every_schema_that_is_named_is_there() {
    let answer = get("/openapi.json").await;
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for name in answer.text.split("#/components/schemas/").skip(1) {
        let name = name.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name} is named and not described");
    }
    for name in ["Job", "NewJob", "EventPage", "Problem", "Published"] {
        assert!(schemas.contains_key(name), "{name} is missing");
    }
}

#[tokio::test]
async fn every_error_is_described_and_explained() {
    let document = get("/openapi.json").await.json();
    let responses = document["components"]["responses"].to_string();
    let docs = get("/docs").await;
    assert_eq!(docs.header("content-type"), "text/html; charset=utf-8");
    for code in Code::ALL {
        assert!(responses.contains(&format!("`{code}`")), "{code} is not in the description");
        assert!(docs.text.contains(&format!("id='{code}'")), "{code} is not in the docs");
    }
    assert!(docs.text.contains("<code>POST /jobs</code>"));
    assert!(!docs.text.contains("<script"));
}

#[tokio::test]
async fn the_root_is_json_for_programs_and_takes_browsers_to_the_console() {
    let json = get("/").await;
    assert_eq!(json.json()["websocket"], "/socket.io/");
    assert_eq!(json.json()["docs"], "/docs");
    assert_eq!(json.header("vary"), "accept");
    let browser = Request::get("/").header("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    let taken = ask(edge(AuthMode::Dev), browser, "").await;
    assert_eq!((taken.status.as_u16(), taken.header("location")), (303, "/console/"));
    assert_eq!(taken.header("vary"), "accept");
    let bare = get("/console").await;
    assert_eq!((bare.status.as_u16(), bare.header("location")), (308, "/console/"));
}

#[tokio::test]
async fn the_console_is_one_page_at_each_of_its_paths() {
    for path in ["/console/", "/console/jobs/1", "/console/topics/room:x"] {
        let page = get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
    }
    check(&get("/console/assets/gone-0.js").await, 404, "route_not_found");
    for outside in
        ["/console/../Cargo.toml", "/console/%2e%2e/package.json", "/console//etc/passwd"]
    {
        let answer = get(outside).await;
        assert!(!answer.text.contains("[package]") && !answer.text.contains("roomcast-console"));
        assert!(!answer.text.contains("root:"), "{outside}");
    }
}

#[tokio::test]
async fn the_pages_of_the_edges_own_need_nothing_from_elsewhere() {
    let page = get("/docs").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    for inline in ["<script", "<style", " style=", " onclick="] {
        assert!(!page.text.contains(inline), "{inline} would be refused by the policy");
    }
    let style = get("/page.css").await;
    assert_eq!(
        (style.status, style.header("content-type")),
        (StatusCode::OK, "text/css; charset=utf-8")
    );
}

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    check(&get("/nothing").await, 404, "route_not_found");
    check(&get("/api/v1/nothing").await, 404, "route_not_found");
    let delete = ask(edge(AuthMode::Dev), Request::delete("/jobs"), "").await;
    check(&delete, 405, "method_not_allowed");
    assert!(delete.header("allow").contains("POST"));
}

#[tokio::test]
async fn a_body_that_is_not_right_is_a_problem() {
    check(&post("/jobs", "{").await, 400, "malformed_message");
    check(&post("/jobs", "{}").await, 400, "malformed_message");
    check(&post("/jobs", r#"{"kind":"k","knd":1}"#).await, 400, "malformed_message");
    let plain = Request::post("/jobs").header("content-type", "text/plain");
    check(&ask(edge(AuthMode::Dev), plain, "{}").await, 415, "unsupported_media_type");
    let command = r#"{"session_id":"s","command":{"type":"delete_node"}}"#;
    let refused = post("/commands/execute", command).await;
    check(&refused, 400, "invalid_argument");
    assert_eq!(refused.json()["errors"][0]["field"], "command.node_id");
    let command = r#"{"session_id":"s","command":{"type":"explode"}}"#;
    let refused = post("/commands/execute", command).await;
    check(&refused, 400, "malformed_message");
    assert_eq!(refused.json()["errors"][0]["field"], "command.type");
    let large =
        format!(r#"{{"kind":"k","input":"{}"}}"#, "x".repeat(crate::rest::body::BODY_BYTES_MAX));
    check(&post("/jobs", &large).await, 413, "payload_too_large");
}

#[tokio::test]
async fn a_wrong_parameter_is_named() {
    let answer = get("/jobs?stauts=failed").await;
    check(&answer, 400, "invalid_argument");
    assert_eq!(answer.json()["errors"][0]["field"], "stauts");
    check(&get("/jobs?limit=many").await, 400, "invalid_argument");
    check(&get("/jobs/j/output?from=-1").await, 400, "invalid_argument");
    let types = format!("/topics/room:a/events?types={}", "a,".repeat(33));
    let stream = Request::get(types).header("accept", "text/event-stream");
    let answer = ask(edge(AuthMode::Dev), stream, "").await;
    check(&answer, 400, "invalid_argument");
    assert_eq!(answer.json()["errors"][0]["field"], "types");
}

#[tokio::test]
async fn a_ticket_opens_streams_and_no_other_door() {
    for request in [
        Request::get("/jobs/j1?ticket=t"),
        Request::post("/tickets?ticket=t"),
        Request::post("/topics/room:a/events?ticket=t"),
    ] {
        let request = request.header("accept", "text/event-stream");
        check(&ask(edge(AuthMode::Required), request, "").await, 401, "unauthenticated");
    }
    let stream = Request::get("/topics/room:a/events?ticket=t");
    let stream = stream.header("accept", "text/event-stream");
    // What it stands for only a core knows.
    check(&ask(edge(AuthMode::Required), stream, "").await, 503, "core_unavailable");
}

#[tokio::test]
async fn a_core_out_of_reach_is_retryable_on_every_route() {
    for answer in [
        get("/jobs").await,
        get("/jobs/j1/events").await,
        post("/jobs", r#"{"kind":"k"}"#).await,
        post("/topics/room:a/events", r#"{"type":"a","data":{}}"#).await,
        ask(
            edge(AuthMode::Dev),
            Request::get("/topics/room:a/events").header("accept", "text/event-stream"),
            "",
        )
        .await,
    ] {
        check(&answer, 503, "core_unavailable");
        assert_eq!(answer.header("retry-after"), "1");
    }
}

#[tokio::test]
async fn a_request_stays_in_its_trace() {
    let request = Request::get("/nothing").header("traceparent", TRACEPARENT);
    let answer = ask(edge(AuthMode::Dev), request, "").await;
    assert!(answer.header("traceparent").contains(TRACE_ID));
    assert_eq!(answer.json()["trace_id"], TRACE_ID);
    assert_eq!(answer.header("content-length").parse::<usize>().ok(), Some(answer.text.len()));
    assert_eq!(get("/livez").await.header("traceparent").len(), TRACEPARENT.len());
}

#[tokio::test]
async fn without_a_token_nothing_but_the_public_doors_is_open() {
    for path in ["/jobs", "/topics/room:a", "/websocket/stats", "/metrics"] {
        let answer = ask(edge(AuthMode::Required), Request::get(path), "").await;
        check(&answer, 401, "unauthenticated");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    for path in ["/", "/livez", "/health", "/openapi.json", "/docs"] {
        let answer = ask(edge(AuthMode::Required), Request::get(path), "").await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
    }
    let bad = Request::get("/jobs").header("authorization", "Bearer x");
    check(&ask(edge(AuthMode::Dev), bad, "").await, 401, "token_invalid");
}

#[tokio::test]
async fn an_edge_without_its_core_is_degraded_alive_and_not_ready() {
    let health = get("/health").await.json();
    assert_eq!(health["status"], "degraded");
    assert_eq!(health["checks"]["socketio_manager"]["active_connections"], 0);
    assert_eq!(health["checks"]["socketio_manager"]["rooms"], 0);
    assert_eq!(get("/livez").await.status, StatusCode::OK);
    check(&get("/readyz").await, 503, "core_unavailable");
}

#[tokio::test]
async fn operators_see_connections_and_counters() {
    let stats = get("/websocket/stats").await.json();
    let empty = serde_json::json!({
        "total_connections": 0, "active_job_rooms": 0, "connections": [],
    });
    assert_eq!(stats, empty);
    let metrics = get("/metrics").await;
    assert!(metrics.header("content-type").starts_with("text/plain"));
}

#[tokio::test]
async fn a_name_that_is_no_text_is_a_problem_like_any_other() {
    check(&get("/jobs/%ff%fe").await, 400, "invalid_argument");
    check(&get("/projects/p/members/%ff").await, 405, "method_not_allowed");
    check(&get("/sessions/s/saves/%ff").await, 400, "invalid_argument");
}
