//! Events, as the contract shows them.

use roomcast_proto::v1;

use super::value::{cancel_requested, fault, payload, progress, state, usage};
use super::{timestamp, trace_hex};
use crate::domain::event::{Body, Event};
use crate::domain::job;
use crate::domain::job::{CancelMode, Entry, QueueReason, Summary};

pub(in crate::service) fn event(event: &Event) -> v1::Event {
    v1::Event {
        topic: event.topic.full().to_owned(),
        offset: event.cursor.offset,
        cursor: event.cursor.token(&event.topic),
        event_id: event.id(),
        r#type: event.kind.as_ref().to_owned(),
        time: Some(timestamp(event.time)),
        trace_id: trace_hex(event.trace.as_ref()),
        body: Some(match &event.body {
            Body::Payload(content) => v1::event::Body::Payload(payload(content)),
            Body::Job(entry) => v1::event::Body::Job(job_event(entry)),
            Body::Summary(line) => v1::event::Body::JobSummary(summary(line)),
            Body::Session(fact) => v1::event::Body::Session(super::session::event(fact)),
        }),
    }
}

fn job_event(entry: &Entry) -> v1::JobEvent {
    v1::JobEvent {
        job_id: entry.job_id.clone(),
        state: state(entry.state).into(),
        attempt: entry.attempt,
        percent: entry.percent,
        kind: Some(kind(&entry.event)),
    }
}

fn kind(event: &job::Event) -> v1::job_event::Kind {
    use v1::job_event::Kind;
    match event {
        job::Event::Created(spec) => Kind::Created(v1::JobCreated {
            kind: spec.kind.clone(),
            run_at: Some(timestamp(spec.run_at)),
        }),
        job::Event::Queued { reason, run_at, error } => Kind::Queued(v1::JobQueued {
            reason: match reason {
                QueueReason::Due => v1::QueueReason::Due,
                QueueReason::Retry => v1::QueueReason::Retry,
                QueueReason::WorkerLost => v1::QueueReason::WorkerLost,
                QueueReason::Released => v1::QueueReason::Released,
            }
            .into(),
            run_at: Some(timestamp(*run_at)),
            error: error.as_ref().map(fault),
        }),
        job::Event::Started { worker } => {
            Kind::Started(v1::JobStarted { worker_id: worker.clone() })
        }
        job::Event::Progressed(done) => {
            Kind::Progressed(v1::JobProgressed { progress: Some(progress(done)) })
        }
        job::Event::Output { channel, offset, data } => Kind::Output(v1::JobOutput {
            channel: channel.clone(),
            offset: *offset,
            data: data.clone(),
        }),
        job::Event::Used(used) => Kind::Used(v1::JobUsed { usage: Some(usage(used)) }),
        job::Event::Reported(told) => {
            Kind::Reported(v1::JobReported { payload: Some(payload(&told.payload)) })
        }
        job::Event::CancelRequested(request) => Kind::CancelRequested(cancel_requested(request)),
        job::Event::Completed { result } => {
            Kind::Completed(v1::JobCompleted { result: result.as_ref().map(payload) })
        }
        job::Event::Failed { error } => Kind::Failed(v1::JobFailed { error: Some(fault(error)) }),
        job::Event::Cancelled { reason, mode } => Kind::Cancelled(v1::JobCancelled {
            reason: reason.clone(),
            mode: match mode {
                CancelMode::BeforeStart => v1::CancelMode::BeforeStart,
                CancelMode::Acknowledged => v1::CancelMode::Acknowledged,
                CancelMode::Forced => v1::CancelMode::Forced,
            }
            .into(),
        }),
    }
}

pub(in crate::service) fn summary(summary: &Summary) -> v1::JobSummary {
    v1::JobSummary {
        job_id: summary.job_id.clone(),
        kind: summary.kind.clone(),
        owner: summary.owner.clone(),
        project_id: summary.project.clone().unwrap_or_default(),
        state: state(summary.state).into(),
        attempt: summary.attempt,
        progress: Some(progress(&summary.progress)),
        error: summary.error.as_ref().map(fault),
        create_time: Some(timestamp(summary.created_at)),
    }
}
