//! Values that jobs and events share, as the contract shows them.

use roomcast_proto::v1;

use crate::domain::job::{CancelRequest, Fault, Progress, State, Usage};
use crate::domain::payload::Payload;

pub(in crate::service) fn cancel_requested(request: &CancelRequest) -> v1::JobCancelRequested {
    v1::JobCancelRequested { reason: request.reason.clone(), requested_by: request.by.clone() }
}

pub(in crate::service) fn progress(progress: &Progress) -> v1::Progress {
    v1::Progress {
        percent: progress.percent,
        message: progress.message.clone(),
        stage: progress.stage.clone(),
        counters: progress.counters.clone(),
    }
}

pub(in crate::service) fn usage(usage: &Usage) -> v1::Usage {
    v1::Usage {
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        cached_input_tokens: usage.cached_input_tokens,
        reasoning_tokens: usage.reasoning_tokens,
        total_tokens: usage.total_tokens,
        cost_micros: usage.cost_micros,
        model: usage.model.clone(),
    }
}

pub(in crate::service) fn state(state: State) -> v1::JobState {
    match state {
        State::Scheduled => v1::JobState::Scheduled,
        State::Queued => v1::JobState::Queued,
        State::Running => v1::JobState::Running,
        State::Cancelling => v1::JobState::Cancelling,
        State::Completed => v1::JobState::Completed,
        State::Failed => v1::JobState::Failed,
        State::Cancelled => v1::JobState::Cancelled,
    }
}

pub(in crate::service) fn payload(payload: &Payload) -> v1::Payload {
    v1::Payload {
        content_type: payload.content_type.clone().into_owned(),
        data: payload.data.clone(),
    }
}

pub(in crate::service) fn fault(fault: &Fault) -> v1::Fault {
    v1::Fault {
        code: fault.code.clone(),
        message: fault.message.clone(),
        retryable: fault.retryable,
    }
}
