//! Guides that start what they speak of, run as they stand.

use super::page::follow;

/// Runs a page, and looks for what its commands must have said.
async fn check(page: &str, expected: &[&str]) {
    let said = follow(page).await;
    for expected in expected {
        assert!(said.contains(expected), "{expected} is missing in:\n{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_of_the_guide_to_tokens_works_as_it_stands() {
    let expected = [
        r#""code": "unauthenticated""#,
        r#""tenant": "default""#,
        r#""text":"ana is connected\n\nreport: queued""#,
        r#""origin_not_allowed""#,
        "both: old token 200, new token 200",
        "new alone: old token 401, new token 200",
        "by its key: 200, by the secret: 401",
        // The browser of the guide's page speaks in between.
        "before: 200",
        "revoked: 401",
        "lifted: 200",
        "disabled: 403",
        "event: snapshot",
        r#""ticket_invalid""#,
    ];
    check("docs/guides/auth.md", &expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_of_the_way_into_production_works_as_it_stands() {
    let expected = [
        "the core lets these credentials in",
        r#""unauthenticated""#,
        r#"{"n":1}"#,
        "backup.db written",
        "rehearsal restored",
        "rehearsal, for its owner alone",
    ];
    check("docs/guides/production.md", &expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_of_the_guide_to_proxies_works_as_it_stands() {
    let through = "polling: polling, 20 rounds on one connection\n\
                   websocket: websocket, 20 rounds on one connection\n";
    let eager = "the eager one: 429, another one: 401\n";
    // nginx; Caddy and HAProxy; HAProxy with one edge alone.
    let said = [through, eager, through, through, through].concat();
    check("docs/guides/proxies.md", &[said.trim_end()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_program_of_the_guide_to_node_works_as_it_stands() {
    let expected = [
        "offset 1",
        "invalid_argument: type: must be",
        "headline: while you were away\nheadline: that is all\n",
        "published 3\nthe same job: true\nsnapshot JOB_STATE_QUEUED\nevent job.cancelled",
    ];
    check("docs/guides/node.md", &expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_moved_from_node_does_the_same_before_beside_and_after() {
    let before = "before: ana said hello\nbefore: a receipt of lobby\n";
    // Who comes later is told the last word first.
    let after = |last: &str| {
        format!("after: ana said {last}\nafter: ben said hi\nafter: a receipt of lobby\n")
    };
    let said = [before, before, &after("hello"), &after("first")].concat();
    check("docs/guides/migrate-node.md", &[said.trim_end()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_moved_from_python_socketio_does_the_same_before_and_after() {
    let before = "before: 33\nbefore: 66\nbefore: 100\nbefore: {'pages': 3}\n";
    let said = ["after: completed 100\n", before, "published at 1"].concat();
    check("docs/guides/migrate-python-socketio.md", &[before, &said]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_moved_from_flask_socketio_does_the_same_before_beside_and_after() {
    let expected = [
        "before: hello\n\"log in first\"\nafter: ana said hello\nbefore: hello\n",
        r#"{"type":"said","data":{"text":"hello"}}"#,
    ];
    check("docs/guides/migrate-flask-socketio.md", &expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_page_of_concepts_says_is_so() {
    let expected = [
        r#"{"ok":true,"resumed":false}"#,
        "headline 2",
        r#"{"ok":true,"resumed":true}"#,
        r#"{"ok":false,"code":"invalid_argument"}"#,
        r#"{"reason":"forked""#,
    ];
    check("docs/concepts.md", &expected).await;
}
