use super::*;

fn request(text: &str) -> Result<v1::CreateJobRequest, Problem> {
    serde_json::from_str::<NewJob>(text).unwrap().request(IdempotencyKey::none())
}

#[test]
fn the_input_travels_byte_for_byte() {
    let own = r#"{ "b": 1.0,  "a": 18446744073709551616, "b": "\u0000" }"#;
    let request = request(&format!(r#"{{"kind":"k","input": {own} }}"#)).unwrap();
    let input = request.input.unwrap();
    assert_eq!(input.content_type, "application/json");
    assert_eq!(input.data, own.as_bytes());
}

#[test]
fn times_are_given_in_milliseconds() {
    let request = request(
        r#"{"kind":"k","timeouts":{"attempt_ms":1500},"retry":{"max_attempts":2,"max_backoff_ms":60000}}"#,
    )
    .unwrap();
    let attempt = request.timeouts.unwrap().attempt.unwrap();
    assert_eq!((attempt.seconds, attempt.nanos), (1, 500_000_000));
    let retry = request.retry.unwrap();
    assert_eq!((retry.max_attempts, retry.max_backoff.unwrap().seconds), (2, 60));
}

#[test]
fn run_at_must_be_an_instant() {
    assert_eq!(
        request(r#"{"kind":"k","run_at":"1970-01-01T00:01:00Z"}"#).unwrap().run_at.unwrap().seconds,
        60
    );
    assert!(request(r#"{"kind":"k","run_at":"tomorrow"}"#).is_err());
}
