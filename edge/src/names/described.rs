//! The schemas of what is written here, for those who describe it.

use utoipa::OpenApi;

use super::{
    Envelope, HistoryStep, NewCommand, Performed, SessionSnapshot, job, message, reported,
    session_event, status,
};

/// All that goes out, and the commands that come in.
#[derive(Debug, OpenApi)]
#[openapi(components(schemas(
    Envelope<'_>,
    HistoryStep,
    NewCommand,
    Performed<'_>,
    SessionSnapshot<'_>,
    job::Output<'_>,
    job::TokenUsage<'_>,
    job::Update<'_>,
    message::Message<'_>,
    reported::About<'_>,
    session_event::Count<'_>,
    session_event::Kept<'_>,
    session_event::Presence<'_>,
    session_event::Progress<'_>,
    status::Status<'_>,
)))]
pub(crate) struct Described;
