//! Does the edge answer, and does it reach a core?

use std::time::Duration;

use super::report::Finding;

const TIMEOUT: Duration = Duration::from_secs(5);
const CHECK: &str = "edge";

pub(super) async fn check(url: &str) -> Finding {
    let ready = format!("{}/readyz", url.trim_end_matches('/'));
    match ask(&ready).await {
        Ok(status) if status.is_success() => Finding::ok(CHECK, format_args!("ready at {url}")),
        Ok(status) if status == reqwest::StatusCode::SERVICE_UNAVAILABLE => Finding::fail(
            CHECK,
            "answers, but reaches no core, or drains",
            "look at the edge's log",
        ),
        Ok(status) => Finding::fail(
            CHECK,
            format_args!("{ready} answers {status}"),
            "is something else at that address?",
        ),
        Err(_) => Finding::fail(
            CHECK,
            format_args!("no edge answers at {url}"),
            "start one with `roomcast dev`, or name another with --edge or ROOMCAST_EDGE",
        ),
    }
}

async fn ask(url: &str) -> reqwest::Result<reqwest::StatusCode> {
    let client = reqwest::Client::builder().timeout(TIMEOUT).build()?;
    Ok(client.get(url).send().await?.status())
}
