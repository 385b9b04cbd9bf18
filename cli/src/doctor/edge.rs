//! Does the edge answer, and does it reach a core?

use std::time::Duration;

use super::report::Finding;
use crate::connection::root_cause;

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
        Err(error) => Finding::fail(
            CHECK,
            format_args!("no edge answers at {url} ({})", root_cause(&error)),
            "start one with `roomcast dev`, or name another with --edge or ROOMCAST_EDGE",
        ),
    }
}

async fn ask(url: &str) -> reqwest::Result<reqwest::StatusCode> {
    let client = reqwest::Client::builder().timeout(TIMEOUT).build()?;
    Ok(client.get(url).send().await?.status())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn why_no_edge_answers_is_told() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let closed = format!("http://{}", taken.local_addr().unwrap());
        drop(taken);
        for (url, cause) in [("edge:8000/", "scheme"), (&*closed, "refused")] {
            let found = check(url).await.found;
            assert!(found.contains(cause), "{found}");
        }
    }
}
