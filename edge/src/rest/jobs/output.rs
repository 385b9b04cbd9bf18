//! `GET /jobs/{job_id}/output`: the bytes a job wrote.

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderName, HeaderValue, header};
use roomcast_proto::v1::ReadJobOutputRequest;
use utoipa::{IntoParams, ToSchema};

use crate::{
    problem::Problem,
    rest::{caller::Caller, openapi::Failures, parameters::Parameters, path::Path},
    state::AppState,
};

const OFFSET: HeaderName = HeaderName::from_static("x-offset");
const NEXT_OFFSET: HeaderName = HeaderName::from_static("x-next-offset");
const SIZE: HeaderName = HeaderName::from_static("x-size");
const ATTEMPT: HeaderName = HeaderName::from_static("x-attempt");

/// Which bytes.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents the parameters; they are read one by one")]
struct OutputRange {
    /// Which output, by default `stdout`.
    channel: Option<String>,
    /// Which attempt, by default the last.
    attempt: Option<u32>,
    /// First byte wanted, by default 0.
    from: Option<u64>,
    /// At most so many bytes, up to 1 MiB, by default 256 KiB.
    limit: Option<u32>,
}

/// Bytes as they were written.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "documents the answer; what is sent comes from the core")]
struct Written(Vec<u8>);

/// Read a job's output
///
/// Bytes of one attempt from an offset; perhaps not all there are. Read on from `X-Next-Offset` until it
/// equals `X-Size`. They begin at `X-Offset`: later than `from` if what lies before it is past its
/// retention.
#[utoipa::path(
    get, path = "/jobs/{job_id}/output", tag = "jobs",
    params(("job_id" = String, Path), OutputRange),
    responses(
        (
            status = 200, body = inline(Written), content_type = "application/octet-stream",
            headers(
                ("X-Offset" = u64, description = "Where the bytes begin"),
                ("X-Next-Offset" = u64, description = "Where to read on"),
                ("X-Size" = u64, description = "Bytes the channel has in all"),
                ("X-Attempt" = u32, description = "The attempt read"),
            )
        ),
        Failures
    )
)]
pub(super) async fn read(
    State(state): State<AppState>,
    caller: Caller,
    Path(job_id): Path<String>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let parameters = parameters.knows(&["channel", "attempt", "from", "limit"])?;
    let from = parameters.number("from")?;
    let request = caller.upstream.request(ReadJobOutputRequest {
        job_id,
        channel: parameters.text("channel"),
        attempt: parameters.number("attempt")?,
        from,
        max_bytes: parameters.number("limit")?,
    });
    let answer = state.upstream.jobs().read_job_output(request).await?.into_inner();
    let mut response = answer.data.into_response();
    let headers = response.headers_mut();
    // Never a type that a browser would render: the bytes are a worker's.
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    // A core that is older than this field says nothing.
    headers.insert(OFFSET, HeaderValue::from(answer.start.max(from)));
    headers.insert(NEXT_OFFSET, HeaderValue::from(answer.next));
    headers.insert(SIZE, HeaderValue::from(answer.size));
    headers.insert(ATTEMPT, HeaderValue::from(answer.attempt));
    Ok(response)
}
