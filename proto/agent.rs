//! An agent's jobs: their kinds, and the events that an agent tells of them.

/// The kind of a job that answers a session's message. Its input is `{prompt}`.
pub const VIBECODE: &str = "vibecode";
/// The kind of a job that runs a project's tests. Its input is `{command?}`.
pub const TEST_RUN: &str = "test_run";

/// The answer to a message: `{type, patch, token_usage, …}`. The last event of the agent's own.
pub const VIBECODE_RESPONSE: &str = "vibecode_response";
/// A test run begins.
pub const TEST_STARTED: &str = "test_started";
/// A case of a test run has ended.
pub const TEST_RESULT: &str = "test_result";
/// A test run has ended, with totals. The last event of the agent's own.
pub const TEST_COMPLETED: &str = "test_completed";
