//! Why a reader must begin anew.

use roomcast_proto::v1::ResetReason;

/// The word for a reason.
pub(crate) fn reset_reason(reason: ResetReason) -> &'static str {
    match reason {
        ResetReason::Trimmed => "trimmed",
        ResetReason::Forked | ResetReason::Unspecified => "forked",
        ResetReason::Ahead => "ahead",
    }
}
