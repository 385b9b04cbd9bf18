//! Limits that the contract names. Each stands here once, with its reason.

use std::time::Duration;

/// A payload: an event, a job's input or result. Larger content belongs in a file store, with a
/// link in the event; one commit must stay small enough not to hold up the writer.
pub const PAYLOAD_BYTES_MAX: usize = 1 << 20;
/// One chunk of output: a report with several stays below a gRPC message's 4 MiB.
pub const OUTPUT_CHUNK_BYTES_MAX: usize = 256 << 10;
/// Output channels of one job: each costs a row in the job's state.
pub const OUTPUT_CHANNELS_MAX: usize = 16;
/// Output of one attempt, all channels together.
pub const OUTPUT_BYTES_MAX: u64 = 1 << 30;
/// Longest channel name.
pub const CHANNEL_BYTES_MAX: usize = 64;
/// Events of one batch.
pub const BATCH_EVENTS_MAX: usize = 1000;
/// Levels of nesting in a JSON payload: what every client's parser surely takes.
pub const JSON_DEPTH_MAX: usize = 64;
/// Labels of a job, and the length of a label's key or value.
pub const LABELS_MAX: usize = 32;
/// Longest label key or value, in bytes.
pub const LABEL_BYTES_MAX: usize = 128;
/// Counters of a job's progress.
pub const COUNTERS_MAX: usize = 32;
/// Longest counter name, in bytes.
pub const COUNTER_BYTES_MAX: usize = 64;
/// A message or reason for people.
pub const MESSAGE_BYTES_MAX: usize = 1024;
/// A stage's name.
pub const STAGE_BYTES_MAX: usize = 128;
/// An error's message.
pub const ERROR_BYTES_MAX: usize = 4096;
/// An idempotency key.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 128;
/// How long an idempotency key answers the same.
pub const IDEMPOTENCY_WINDOW: Duration = Duration::from_secs(24 * 3600);

/// A worker's lease: a lost worker is noticed within this time.
pub const LEASE: Duration = Duration::from_secs(15);
/// A lease is extended in steps of at least this: a lease lasts for its length less one step.
pub const RENEWAL_STEP: Duration = Duration::from_secs(1);
/// How often a worker beats: two lost beats do not lose the lease.
pub const BEAT_INTERVAL: Duration = Duration::from_secs(5);
/// A job whose workers are lost this often is what kills them.
pub const LEASE_LOSSES_MAX: u32 = 3;
/// At most ten progress events a second for one job: what a browser can show.
pub const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);
/// How long a worker has to end a cancelled job, if the caller does not say.
pub const CANCEL_GRACE: Duration = Duration::from_secs(10);
/// Longest grace a caller may ask for.
pub const CANCEL_GRACE_MAX: Duration = Duration::from_secs(600);
/// How long a job waits for a worker, if the caller does not say.
pub const SCHEDULE_TO_START: Duration = Duration::from_secs(24 * 3600);
/// Longest time that any timeout or delay may span: a year.
pub const TIMEOUT_MAX: Duration = Duration::from_secs(366 * 24 * 3600);
