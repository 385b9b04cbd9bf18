use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    dev: Arguments,
}

fn demanded(line: &str) -> Result<bool, Failure> {
    let arguments = Line::try_parse_from(line.split_whitespace()).unwrap().dev;
    let is_local = arguments.http.ip().is_loopback() && arguments.grpc.ip().is_loopback();
    demands_tokens(&arguments, is_local)
}

#[test]
fn tokens_are_demanded_where_they_matter() {
    let secret = "--jwt-secret 0123456789abcdef0123456789abcdef";
    for (line, expected) in [
        ("dev".to_owned(), false),
        (format!("dev {secret}"), true),
        (format!("dev {secret} --auth dev"), false),
        ("dev --auth required".to_owned(), true),
        ("dev --http 0.0.0.0:8000 --allow-non-loopback".to_owned(), true),
    ] {
        assert_eq!(demanded(&line).ok(), Some(expected), "{line}");
    }
    assert!(demanded("dev --http 0.0.0.0:8000 --allow-non-loopback --auth dev").is_err());
}

#[test]
fn every_interface_is_reached_on_loopback() {
    for (bound, reached) in [
        ("0.0.0.0:1", "127.0.0.1:1"),
        ("[::]:2", "[::1]:2"),
        ("10.0.0.1:3", "10.0.0.1:3"),
        ("127.0.0.1:4", "127.0.0.1:4"),
    ] {
        assert_eq!(reachable(bound.parse().unwrap()), reached.parse().unwrap());
    }
}

#[tokio::test]
async fn another_machine_reaches_no_development_server() {
    let line = "dev --http 0.0.0.0:0 --grpc 127.0.0.1:0 --data-dir /nowhere";
    let arguments = Line::try_parse_from(line.split_whitespace()).unwrap().dev;
    let refused = run(arguments, Output::new(crate::output::Format::Text)).await;
    assert!(matches!(refused, Err(Failure::Usage(_))), "{refused:?}");
}
