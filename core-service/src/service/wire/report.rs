//! A worker's messages.

use std::time::Duration;

use bytes::Bytes;
use roomcast_proto::v1;
use tonic::Status;

use super::check::{self, invalid};
use super::publish;
use crate::domain::job::{End, Fault, OutputChunk, ProgressUpdate, Report, Usage};
use crate::domain::limits;
use crate::domain::name::is_name;

/// Chunks of one report: together they stay within a gRPC message.
const CHUNKS_MAX: usize = 64;
/// Longest code of a worker's own error.
const CODE_BYTES_MAX: usize = 64;

pub(in crate::service) fn report(wire: v1::Report) -> Result<(String, Report), Status> {
    let job_id = check::job_id(wire.job_id)?;
    if wire.number == 0 {
        return Err(invalid("number", "counts from 1"));
    }
    if wire.output.len() > CHUNKS_MAX {
        return Err(invalid("output", "has at most 64 chunks"));
    }
    let report = Report {
        fence: wire.fence,
        number: wire.number,
        ttl: limits::LEASE,
        progress: wire.progress.map(progress).transpose()?,
        output: wire.output.into_iter().map(chunk).collect::<Result<_, _>>()?,
        usage: wire.usage.map(usage).transpose()?,
        events: publish::reported(wire.events)?,
        end: wire.end.map(end).transpose()?,
    };
    Ok((job_id, report))
}

fn progress(wire: v1::ProgressUpdate) -> Result<ProgressUpdate, Status> {
    if wire.counters.len() > limits::COUNTERS_MAX
        || wire.counters.keys().any(|name| name.len() > limits::COUNTER_BYTES_MAX)
    {
        return Err(invalid("progress.counters", "at most 32, names at most 64 bytes"));
    }
    for (field, value) in
        [("progress.percent", wire.percent), ("progress.increment", wire.increment)]
    {
        if value.is_some_and(|value| !(0.0..=100.0).contains(&value)) {
            return Err(invalid(field, "must be 0 to 100"));
        }
    }
    let text = |field, value: Option<String>, max| {
        value.map(|value| check::text(field, value, max)).transpose()
    };
    Ok(ProgressUpdate {
        percent: wire.percent,
        increment: wire.increment,
        message: text("progress.message", wire.message, limits::MESSAGE_BYTES_MAX)?,
        stage: text("progress.stage", wire.stage, limits::STAGE_BYTES_MAX)?,
        counters: wire.counters,
    })
}

fn chunk(wire: v1::OutputChunk) -> Result<OutputChunk, Status> {
    if !is_name(&wire.channel) || wire.channel.len() > limits::CHANNEL_BYTES_MAX {
        return Err(invalid("output.channel", "must be [A-Za-z0-9_.-]{1,64}"));
    }
    if wire.data.len() > limits::OUTPUT_CHUNK_BYTES_MAX {
        return Err(invalid("output.data", "has at most 256 KiB in one chunk"));
    }
    // Copied out of the message: a small chunk must not keep a large buffer alive.
    let data = Bytes::copy_from_slice(&wire.data);
    Ok(OutputChunk { channel: wire.channel, offset: wire.offset, data })
}

fn usage(wire: v1::Usage) -> Result<Usage, Status> {
    Ok(Usage {
        input_tokens: wire.input_tokens,
        output_tokens: wire.output_tokens,
        cached_input_tokens: wire.cached_input_tokens,
        reasoning_tokens: wire.reasoning_tokens,
        total_tokens: wire.total_tokens,
        cost_micros: wire.cost_micros,
        model: check::text("usage.model", wire.model, limits::LABEL_BYTES_MAX)?,
    })
}

fn end(wire: v1::report::End) -> Result<End, Status> {
    match wire {
        v1::report::End::Completed(completion) => {
            let result = completion.result.map(|result| check::payload("result", result));
            Ok(End::Completed(result.transpose()?))
        }
        v1::report::End::Failed(failure) => failed(failure),
        v1::report::End::Cancelled(_) => Ok(End::Cancelled),
        v1::report::End::Released(_) => Ok(End::Released),
    }
}

fn failed(failure: v1::Failure) -> Result<End, Status> {
    let fault = failure.error.ok_or_else(|| invalid("failed.error", "is required"))?;
    if !is_name(&fault.code) || fault.code.len() > CODE_BYTES_MAX {
        return Err(invalid("failed.error.code", "must be [A-Za-z0-9_.-]{1,64}"));
    }
    let message = check::text("failed.error.message", fault.message, limits::ERROR_BYTES_MAX)?;
    let longest = Duration::from_secs(24 * 3600);
    let retry_after = check::span("failed.retry_after", failure.retry_after, longest)?;
    let error = Fault { code: fault.code, message, retryable: fault.retryable };
    Ok(End::Failed { error, retry_after })
}
