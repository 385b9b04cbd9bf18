//! How a test command came to its end.

use std::process::ExitStatus;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// By itself.
    Exited(ExitStatus),
    /// Somebody asked the job to end.
    Cancelled,
    /// It took too long.
    TimedOut,
    /// It wrote too much.
    TooMuchOutput,
}
