//! How a request is treated.

use axum::http::StatusCode;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As it should be.
    Well,
    /// With an error instead of an answer.
    Refuse { status: StatusCode, code: Option<String>, retry_after: Option<String> },
    /// The connection breaks after so many tokens.
    Break(usize),
    /// The stream ends after so many tokens, in good order and before its time.
    TrailOff(usize),
    /// Nothing more comes after so many tokens, and the connection stays.
    FallSilent(usize),
    /// Nobody is told what was used.
    HideUsage,
    /// After every token it is told what was used so far.
    CountAloud,
    /// It is told what the answer costs, too, as some of these APIs do.
    Charge,
}

impl Manner {
    pub(crate) fn refuse(status: StatusCode) -> Manner {
        Manner::Refuse { status, code: None, retry_after: None }
    }

    pub(crate) fn refuse_for(seconds: u32) -> Manner {
        let (status, code) =
            (StatusCode::TOO_MANY_REQUESTS, Some("rate_limit_exceeded".to_owned()));
        Manner::Refuse { status, code, retry_after: Some(seconds.to_string()) }
    }
}
