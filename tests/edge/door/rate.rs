//! How often somebody may ask over REST.

use std::time::{Duration, Instant};

use roomcast_edge::config::AuthMode;
use roomcast_identity::{Secret, User, mint_user};
use tokio::time::sleep;

use crate::{edge::Edge, raw::Answer};

const SECRET: &str = "the users of the tests of the edge's door";
const BURST: u32 = 3;
/// Far more than any burst: whoever is not limited by then is not limited.
const TRIES: u32 = 200;
const LOOK_EVERY: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(30);
/// Served without a core.
const PATH: &str = "/openapi.json";

#[tokio::test]
async fn a_user_who_asks_too_often_waits_from_every_address_and_nobody_else_does() {
    let edge = edge().await;
    let (ana, bob) = (bearer("ana"), bearer("bob"));
    let (answer, passed) = refused(&edge, &["127.0.0.1", "127.0.0.2"], &ana).await;
    assert!(passed >= BURST, "{passed}");
    assert_eq!(answer.code(), "rate_limited");
    for line in [
        "retry-after: 1\r\n",
        "ratelimit-policy: \"requests\";q=3;w=3\r\n",
        "ratelimit: \"requests\";r=0;t=1\r\n",
        "content-type: application/problem+json\r\n",
    ] {
        assert!(answer.head.contains(line), "{line} in {}", answer.head);
    }
    for address in ["127.0.0.1", "127.0.0.2"] {
        assert_eq!(ask(&edge, address, &bob).await.status, 200);
    }
    let begin = Instant::now();
    while ask(&edge, "127.0.0.1", &ana).await.status != 200 {
        assert!(begin.elapsed() < PATIENCE, "{begin:?}");
        sleep(LOOK_EVERY).await;
    }
}

#[tokio::test]
async fn who_shows_no_token_is_counted_by_address() {
    let edge = edge().await;
    let (answer, _) = refused(&edge, &["127.0.0.1"], "").await;
    assert_eq!(answer.code(), "rate_limited");
    assert_eq!(ask(&edge, "127.0.0.2", "").await.status, 200);
    let (answer, _) = refused(&edge, &["127.0.0.2"], "authorization: Bearer x.y\r\n").await;
    assert_eq!(answer.code(), "rate_limited", "a bad token is none");
    assert_eq!(ask(&edge, "127.0.0.1", &bearer("ana")).await.status, 200);
}

#[tokio::test]
async fn supervisors_are_always_answered() {
    let edge = edge().await;
    refused(&edge, &["127.0.0.1"], "").await;
    for path in ["/livez", "/api/v1/livez", "/health", "/readyz", "/metrics"] {
        for _ in 0..2 * BURST {
            let answer = edge.raw().await.get(path).await;
            assert_ne!(answer.status, 429, "{path}: {}", answer.body);
        }
    }
    // Meanwhile some more may be let in.
    for _ in 0..TRIES {
        if edge.raw().await.get("/readyz?verbose").await.status == 429 {
            return;
        }
    }
    panic!("who has the core asked is counted");
}

#[tokio::test]
async fn a_limit_of_nothing_per_second_is_none() {
    let edge = Edge::start(|config| {
        config.requests_per_second = 0;
        config.requests_burst = 1;
    })
    .await;
    for _ in 0..50 {
        assert_eq!(ask(&edge, "127.0.0.1", "").await.status, 200);
    }
}

async fn edge() -> Edge {
    Edge::start(|config| {
        config.auth = AuthMode::Required;
        config.jwt_secret = vec![Secret::new(SECRET).unwrap()];
        config.requests_per_second = 1;
        config.requests_burst = BURST;
    })
    .await
}

fn bearer(name: &str) -> String {
    let user = User { id: name.to_owned(), ..User::dev() };
    let token = mint_user(&Secret::new(SECRET).unwrap(), &user, Duration::from_secs(600)).unwrap();
    format!("authorization: Bearer {token}\r\n")
}

async fn ask(edge: &Edge, address: &str, header: &str) -> Answer {
    edge.raw_from(address).await.ask("GET", PATH, header, "").await
}

/// Asks from these addresses in turn until it is refused; and how often it was not.
async fn refused(edge: &Edge, addresses: &[&str], header: &str) -> (Answer, u32) {
    let mut turns = addresses.iter().cycle();
    for passed in 0..TRIES {
        let answer = ask(edge, turns.next().unwrap(), header).await;
        if answer.status == 429 {
            return (answer, passed);
        }
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    panic!("not refused in {TRIES} tries");
}
