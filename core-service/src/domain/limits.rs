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
/// One number of a worker's usage: 8,000 attempts may report as much before a sum stays at the most that
/// it can be, and a browser's numbers are exact.
pub const USAGE_MAX: i64 = 1 << 50;
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

/// Users, and as many revocations in force, that a core keeps in memory: some 200 bytes each.
pub const ACCESS_ENTRIES_MAX: usize = 100_000;
/// A token's id, or a user's: what a token may carry.
pub const SUBJECT_BYTES_MAX: usize = 256;
/// A user's name for people.
pub const DISPLAY_NAME_BYTES_MAX: usize = 128;
/// How long a revocation is kept, if the caller does not say: longer than any token should live.
pub const REVOCATION_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);
/// A ticket is spent by the request that follows, or never.
pub const TICKET_LIFE: Duration = Duration::from_secs(30);

/// Events of a worker's own in one report: with their content, which is one payload at most together,
/// a commit of some milliseconds.
pub const REPORT_EVENTS_MAX: usize = 256;
/// A worker's own events of one job in a second, for long: each is written to two logs and shown to
/// everybody in the project.
pub const JOB_EVENTS_PER_SECOND: u64 = 200;
/// The same at once: a test run may end with many cases together.
pub const JOB_EVENTS_AT_ONCE: u32 = 2000;
/// Content of a worker's own events in one attempt. More than that is output.
pub const JOB_EVENTS_BYTES_MAX: u64 = 64 << 20;

/// A worker's lease: a lost worker is noticed within this time.
pub const LEASE: Duration = Duration::from_secs(15);
/// A lease is extended in steps of at least this: a lease lasts for its length less one step.
pub const RENEWAL_STEP: Duration = Duration::from_secs(1);
/// How often a worker beats: two lost beats do not lose the lease.
pub const BEAT_INTERVAL: Duration = Duration::from_secs(5);
/// A job whose workers are lost this often is what kills them.
pub const LEASE_LOSSES_MAX: u32 = 3;
/// A job that its workers gave back this often has met none that wants it; each time more is a failed
/// attempt. A fleet that drains every day comes so far in years.
pub const RELEASES_MAX: u32 = 1000;
/// At most ten progress events a second for one job: what a browser can show.
pub const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);
/// How long a worker has to end a cancelled job, if the caller does not say.
pub const CANCEL_GRACE: Duration = Duration::from_secs(10);
/// Longest grace a caller may ask for.
pub const CANCEL_GRACE_MAX: Duration = Duration::from_secs(600);
/// How long a job waits for a worker, if the caller does not say.
pub const SCHEDULE_TO_START: Duration = Duration::from_secs(24 * 3600);
/// How long a message or a test run waits for an agent: somebody looks at the screen.
pub const AGENT_START: Duration = Duration::from_secs(60);
/// One attempt of an agent at a message or a test run.
pub const AGENT_ATTEMPT: Duration = Duration::from_secs(3600);
/// A message for an agent.
pub const PROMPT_BYTES_MAX: usize = 256 << 10;
/// Longest time that any timeout or delay may span: a year.
pub const TIMEOUT_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// The name of a project or session, a node's type or name: for people.
pub const TITLE_BYTES_MAX: usize = 256;
/// Members of a project: one answer lists them all.
pub const MEMBERS_MAX: u64 = 1000;
/// Graphs of one session: every snapshot holds all of them.
pub const GRAPHS_MAX: u64 = 16;
/// Nodes of one graph: what a browser can still hold.
pub const GRAPH_NODES_MAX: u64 = 100_000;
/// Bytes of all graphs of a session: a snapshot of them is one message.
pub const SESSION_BYTES_MAX: u64 = 32 << 20;
/// Bytes of one node with its properties: every change of a property writes the node.
pub const NODE_BYTES_MAX: u64 = 256 << 10;
/// Properties of one node.
pub const NODE_PROPERTIES_MAX: u64 = 128;
/// The key of a property.
pub const PROPERTY_KEY_BYTES_MAX: usize = 128;
/// The value of a property, a JSON text.
pub const PROPERTY_BYTES_MAX: usize = 64 << 10;
/// Nodes right above one node.
pub const NODE_PARENTS_MAX: u64 = 64;
/// Nodes above a parent, when a node that has children is linked below it: the search for a circle
/// visits them.
pub const NODE_ANCESTORS_MAX: u64 = 1000;
/// Commands of one batch: what the writer does in some milliseconds.
pub const BATCH_COMMANDS_MAX: usize = 200;
/// Bytes that one command changes: its step of the history and its events are one commit.
pub const STEP_BYTES_MAX: u64 = 1 << 20;
/// Commands that can be undone.
pub const UNDO_DEPTH_MAX: u64 = 200;
/// Names under which a session's graphs are saved.
pub const SAVES_MAX: u64 = 50;
/// Versions of one name; the oldest goes when there are more.
pub const SAVE_VERSIONS_MAX: u64 = 20;
/// Participants of one session or room. Who comes beyond takes part, and is not counted.
pub const PARTICIPANTS_MAX: u64 = 10_000;
/// Above so many participants events say how many there are, no longer who came or went.
pub const PARTICIPANTS_NAMED_MAX: u64 = 200;
/// At so many they are named again: lower, so that one who comes and goes does not list all of them
/// each time.
pub const PARTICIPANTS_NAMED_AGAIN: u64 = 150;
/// Whoever an edge announced is gone when the edge has been silent for so long.
pub const PRESENCE_LEASE: Duration = Duration::from_secs(15);
/// Whoever came through an edge that only a core of the version before has heard of is gone after this,
/// unless that core says so earlier: it notes no edge that lives. As long as an upgrade may take. Not
/// covered is an edge that spoke to a new core and then goes to an old one: silent for all that the new ones
/// know, it is told as gone after [`PRESENCE_LEASE`], until it moves again.
pub const PRESENCE_UPGRADE: Duration = Duration::from_secs(3600);
/// How often an edge says that it lives: two lost beats do not lose the lease.
pub const PRESENCE_BEAT: Duration = Duration::from_secs(5);
/// Whoever is back within this was never gone.
pub const PRESENCE_GRACE: Duration = Duration::from_secs(2);
/// Who is in a room is told at most this often: its log is its publishers', and what people look at
/// need not be newer.
pub const ROOM_PRESENCE_INTERVAL: Duration = Duration::from_secs(1);
