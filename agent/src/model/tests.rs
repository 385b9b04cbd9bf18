use super::door::retry_after;
use super::*;

#[test]
fn the_time_to_come_again_is_seconds_or_a_date() {
    let wait = |text: &str| {
        let mut headers = reqwest::header::HeaderMap::new();
        headers.insert(reqwest::header::RETRY_AFTER, text.parse().unwrap());
        retry_after(&headers)
    };
    assert_eq!(wait("7"), Some(Duration::from_secs(7)));
    assert_eq!(wait("0.5"), Some(Duration::from_millis(500)));
    assert_eq!(wait("1000000"), Some(Duration::from_secs(3600)), "there is a bound");
    assert_eq!(wait("Thu, 01 Jan 1970 00:00:00 GMT"), Some(Duration::ZERO));
    assert_eq!((wait("soon"), wait("-1")), (None, None));
}

#[test]
fn a_piece_of_a_reply_may_say_more_than_is_looked_at() {
    let text = r#"{"id": 1, "object": null, "choices": [{"index": 0, "delta": {"role": "assistant",
        "content": "x", "audio": {}}, "logprobs": null, "finish_reason": null}], "usage": null}"#;
    let chunk: Chunk = serde_json::from_str(text).unwrap();
    assert_eq!(chunk.choices[0].delta.content.as_deref(), Some("x"));
    let text = r#"{"choices": [], "model": "m", "usage": {"prompt_tokens": 3, "completion_tokens": 2,
        "total_tokens": 5, "prompt_tokens_details": {"cached_tokens": 1}, "cost": 0.0000125}}"#;
    let chunk: Chunk = serde_json::from_str(text).unwrap();
    let usage = chunk.usage.unwrap().usage("m");
    assert_eq!((usage.input_tokens, usage.output_tokens, usage.total_tokens), (3, 2, 5));
    assert_eq!((usage.cached_input_tokens, usage.reasoning_tokens, usage.cost_micros), (1, 0, 13));
    let incomplete = r#"{"choices": [], "usage": {"total_tokens": 5}}"#;
    assert!(serde_json::from_str::<Chunk>(incomplete).is_err(), "what is missing is not made up");
    let negative = r#"{"usage": {"prompt_tokens": -3, "completion_tokens": 2, "total_tokens": 5}}"#;
    assert!(serde_json::from_str::<Chunk>(negative).is_err());
}

#[test]
fn a_key_is_shown_to_nobody() {
    let key = Key::from(" sk-secret\n");
    assert_eq!(format!("{key:?}"), "Key([redacted])");
    assert_eq!(key.without("bad key sk-secret."), "bad key [key].");
}

#[tokio::test]
async fn the_code_of_a_reply_that_breaks_off_is_told_short_and_without_the_key() {
    let long = "x".repeat(10_000);
    for (code, told) in [
        (r#""overloaded""#.to_owned(), "overloaded"),
        ("429".to_owned(), "429"),
        ("{}".to_owned(), ""),
        (r#""of sk-secret""#.to_owned(), "of [key]"),
        (format!(r#""{long}""#), &long[..64]),
    ] {
        let text = format!(r#"{{"error": {{"message": "broken", "code": {code}}}}}"#);
        let chunk: Chunk = serde_json::from_str(&text).unwrap();
        let stream = Box::pin(futures::stream::iter([Ok(chunk)]));
        let key = Some(Key::from("sk-secret"));
        let failure = Reply::new(stream, Duration::MAX, 1, key).next().await.unwrap_err();
        assert_eq!((failure.code(), failure.is_retryable()), ("model_unavailable", true));
        assert!(failure.message().ends_with(&format!("an error {told}")), "{failure}");
    }
}

#[test]
fn settings_that_cannot_work_are_refused_without_their_secrets() {
    #[derive(Debug, clap::Parser)]
    struct Settings {
        #[command(flatten)]
        model: ModelConfig,
    }
    let parse = |name, flag, value| {
        let arguments = ["agent", "--model", name, flag, value];
        <Settings as clap::Parser>::try_parse_from(arguments)
    };
    assert!(parse("", "--model-key", "k").is_err(), "an empty variable names no model");
    for (flag, value, says) in [
        ("--model-url", "http://user:secret@host:port", "--model-url is no URL"),
        ("--model-url", "http://user:secret@host", "give the key by --model-key"),
        ("--model-url", "ftp://secret", "must begin with https://"),
        ("--model-key", "secret\nsecret", "characters that no key has"),
    ] {
        let config = parse("m", flag, value).unwrap().model;
        let told = format!("{:#}", Model::new(&config).unwrap_err());
        assert!(told.contains(says) && !told.contains("secret"), "{told}");
    }
}
