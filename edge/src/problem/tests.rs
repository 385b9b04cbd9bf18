use axum::body::to_bytes;
use serde_json::{Value, json};
use tonic_types::{ErrorDetails, FieldViolation};

use super::*;

async fn document(response: Response) -> Value {
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[tokio::test]
async fn every_code_answers_with_its_line_of_the_registry() {
    for code in Code::ALL {
        let entry = code.entry();
        let response = Problem::from(code.status("what happened")).into_response();
        assert_eq!(response.status().as_u16(), entry.http, "{code}");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(response.headers().contains_key(header::RETRY_AFTER), entry.retryable, "{code}");
        assert_eq!(
            response.headers().contains_key(header::WWW_AUTHENTICATE),
            entry.http == 401,
            "{code}"
        );
        assert_eq!(
            document(response).await,
            json!({
                "type": format!("/docs#{code}"), "title": entry.cause, "status": entry.http,
                "detail": "what happened", "mend": entry.mend, "code": entry.code,
                "retryable": entry.retryable, "trace_id": "",
            })
        );
    }
}

#[tokio::test]
async fn the_fields_that_the_core_refuses_are_named() {
    let mut details = ErrorDetails::new();
    details.set_bad_request(vec![FieldViolation::new("retry.max_attempts", "must be 1 to 100")]);
    let problem = Problem::from(Code::InvalidArgument.status_with("wrong", details));
    let document = document(problem.into_response()).await;
    let errors = json!([{ "field": "retry.max_attempts", "description": "must be 1 to 100" }]);
    assert_eq!(document["errors"], errors);
}

#[test]
fn retry_after_is_the_cores_own_time_rounded_up() {
    let mut details = ErrorDetails::new();
    details.set_retry_info(Some(Duration::from_millis(2_100)));
    let problem = Problem::from(Code::Overloaded.status_with("full", details));
    assert_eq!(problem.into_response().headers()[header::RETRY_AFTER], "3");
}

#[test]
fn a_broken_connection_to_the_core_is_retryable() {
    let response = Problem::from(Status::unavailable("tcp connect error")).into_response();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()[header::RETRY_AFTER], "1");
}

#[test]
fn a_field_is_named_as_it_is_called_here() {
    let mut details = ErrorDetails::new();
    details.set_bad_request(vec![
        FieldViolation::new("events[1].payload", "must be one JSON object"),
        FieldViolation::new("my_payload", "is another"),
    ]);
    let message = "events[1].payload: must be one JSON object";
    let problem = Problem::from(Code::InvalidArgument.status_with(message, details));
    let problem = problem.naming("payload", "data");
    assert_eq!(problem.detail(), "events[1].data: must be one JSON object");
    let fields: Vec<_> = problem.errors.iter().map(|error| error.field.as_str()).collect();
    assert_eq!(fields, ["events[1].data", "my_payload"]);
}
