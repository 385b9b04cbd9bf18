use std::convert::Infallible;

use futures::stream;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::*;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    kind: String,
    input: Option<Box<RawValue>>,
}

async fn refused(text: &str) -> serde_json::Value {
    let problem = parse::<Shape>(text.as_bytes()).unwrap_err();
    assert_eq!(problem.code(), Code::MalformedMessage);
    let bytes = axum::body::to_bytes(problem.body(""), 1 << 16).await.unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[test]
fn user_json_keeps_its_bytes() {
    let own = r#"{ "z": 1.10, "a": 12345678901234567890123,  "\u0041":"\/" }"#;
    let body: Shape = parse(format!(r#"{{"kind":"k","input":{own}}}"#).as_bytes()).unwrap();
    assert_eq!(body.kind, "k");
    assert_eq!(body.input.unwrap().get(), own);
}

#[tokio::test]
async fn a_syntax_error_says_its_place() {
    let problem = refused("{\"kind\": \"k\",\n \"input\": {]}").await;
    assert!(problem["detail"].as_str().unwrap().contains("line 2 column"), "{problem}");
}

#[tokio::test]
async fn a_list_is_no_object() {
    let problem = refused(r#" ["k", null]"#).await;
    assert_eq!(problem["detail"], "a list is no JSON object");
}

#[tokio::test]
async fn a_wrong_type_says_its_field() {
    let problem = refused(r#"{"kind": 7}"#).await;
    assert_eq!(problem["errors"][0]["field"], "kind");
}

#[tokio::test]
async fn an_unknown_field_is_named() {
    let problem = refused(r#"{"kind": "k", "knd": "x"}"#).await;
    assert!(problem["detail"].as_str().unwrap().contains("`knd`"), "{problem}");
}

#[tokio::test]
async fn what_follows_the_value_is_refused() {
    assert_eq!(refused(r#"{"kind": "k"} x"#).await["code"], "malformed_message");
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let begun = stream::once(async { Ok::<_, Infallible>("{") });
    let slow = axum::body::Body::from_stream(begun.chain(stream::pending()));
    let problem = whole(Request::new(slow), Duration::ZERO).await.expect_err("it is not whole");
    assert_eq!(problem.code(), Code::MalformedMessage);
    assert!(problem.detail().contains("did not arrive"), "{}", problem.detail());
}

#[tokio::test]
async fn a_body_that_is_too_large_is_told_so_however_slowly_it_comes() {
    let begun = stream::once(async { Ok::<_, Infallible>(vec![b' '; BODY_BYTES_MAX + 1]) });
    let slow = axum::body::Body::from_stream(begun.chain(stream::pending()));
    let problem = whole(Request::new(slow), Duration::ZERO).await.expect_err("it is not whole");
    assert_eq!(problem.code(), Code::PayloadTooLarge, "{}", problem.detail());
}

#[tokio::test]
async fn a_body_that_may_be_left_out_may_be_null() {
    let read = async |text: &'static str| {
        let request = Request::post("/").header(header::CONTENT_TYPE, "application/json");
        let request = request.body(axum::body::Body::from(text)).unwrap();
        OptionalBody::<Shape>::from_request(request, &()).await.map(|body| body.0.kind)
    };
    for left_out in ["", " ", "null"] {
        assert_eq!(read(left_out).await.expect("nothing is wrong"), "", "{left_out:?}");
    }
    assert_eq!(read(r#"{"kind":"k"}"#).await.expect("it is whole"), "k");
    let problem = read(r#"{"kind":7}"#).await.expect_err("a number is no kind");
    let bytes = axum::body::to_bytes(problem.body(""), 1 << 16).await.unwrap();
    let problem: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(problem["errors"][0]["field"], "kind");
}
