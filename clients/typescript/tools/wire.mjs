// What goes over the wire, field by field: where in the contract a field comes from. The generator takes
// type and description of each from proto/, and fails when one is gone or has another name there.
//
//   field: "Message.field"                the type follows from the contract's
//   field: ["Message.field", "Type"]      the wire shows it as something else
//   "field?": left out when there is nothing to say;   "field|": null then

const job = {
  job_id: "JobEvent.job_id",
  status: ["JobEvent.state", "JobStatus"],
  progress: "JobEvent.percent",
  attempt: "JobEvent.attempt",
};

const usage = {
  input_tokens: "Usage.input_tokens",
  output_tokens: "Usage.output_tokens",
  cached_input_tokens: "Usage.cached_input_tokens",
  reasoning_tokens: "Usage.reasoning_tokens",
  total_tokens: "Usage.total_tokens",
  cost_micros: "Usage.cost_micros",
};

const line = {
  job_id: "JobSummary.job_id",
  kind: "JobSummary.kind",
  status: ["JobSummary.state", "JobStatus"],
  progress: "Progress.percent",
  attempt: "JobSummary.attempt",
  "message?": "Progress.message",
  "stage?": "Progress.stage",
  "error?": "Fault.message",
  "error_code?": "Fault.code",
  "owner?": "JobSummary.owner",
  "project_id?": "JobSummary.project_id",
  "run_at?": "JobCreated.run_at",
  "cancel_requested?": ["Job.cancel_requested", "boolean"],
  "created_at?": "JobSummary.create_time",
};

const presence = {
  user_id: "PresenceChanged.user_id",
  connections: "PresenceChanged.connections",
  participants: "PresenceChanged.participants",
};

const command = {
  graph: "CommandProgressed.graph",
  command_id: "CommandProgressed.command_id",
  command_type: "CommandProgressed.command_type",
  user_id: "CommandProgressed.user_id",
  version: "CommandProgressed.version",
  "error?": "CommandProgressed.error",
  "error_code?": "CommandProgressed.error_code",
};

const node = {
  node_id: "Node.node_id",
  node_type: "Node.node_type",
  name: "Node.name",
};

const kept = {
  graph: "GraphKept.graph",
  name: "GraphKept.name",
  version: "GraphKept.version",
  graph_version: "GraphKept.graph_version",
  user_id: "GraphKept.user_id",
};

/** The types, by name: a message whose comment describes them, and their fields. */
export const TYPES = {
  Envelope: ["Event", {
    topic: "Event.topic",
    cursor: "Event.cursor",
    event_id: "Event.event_id",
    trace_id: "Event.trace_id",
    timestamp: "Event.time",
  }],
  Usage: ["Usage", { ...usage, "model|": "Usage.model" }],
  Job: ["Job", {
    job_id: "Job.job_id",
    kind: "Job.kind",
    status: ["Job.state", "JobStatus"],
    progress: "Progress.percent",
    "message|": "Progress.message",
    "stage|": "Progress.stage",
    counters: "Progress.counters",
    attempt: "Job.attempt",
    "input?": "Job.input",
    "result|": "Job.result",
    "error|": "Fault.message",
    "error_code|": "Fault.code",
    "usage|": ["Job.usage", "Usage"],
    labels: "Job.labels",
    priority: "Job.priority",
    owner: "Job.owner",
    "project_id|": "Job.project_id",
    "session_id|": "Job.session_id",
    tenant: "Job.tenant",
    "run_at|": "Job.run_at",
    cancel_requested: ["Job.cancel_requested", "boolean"],
    "worker_id|": "Job.worker_id",
    "retry_of|": "Job.retry_of",
    output_bytes: "Job.output_bytes",
    "created_at|": "Job.create_time",
    "started_at|": "Job.start_time",
    "completed_at|": "Job.end_time",
    trace_id: "Job.trace_id",
    cursor: "Job.cursor",
    "workers?": "GetJobResponse.workers",
  }],
  JobLine: ["JobSummary", line],
  JobUpdate: ["JobEvent", {
    ...job,
    "message?": "Progress.message",
    "stage?": "Progress.stage",
    "counters?": "Progress.counters",
    "result?": "JobCompleted.result",
    "error?": "Fault.message",
    "error_code?": "Fault.code",
    "run_at?": "JobCreated.run_at",
    "cancel_requested?": ["Job.cancel_requested", "boolean"],
  }],
  JobOutput: ["JobOutput", {
    job_id: "JobEvent.job_id",
    attempt: "JobEvent.attempt",
    channel: "JobOutput.channel",
    offset: "JobOutput.offset",
    "data?": ["JobOutput.data", "string"],
    "data_base64?": ["JobOutput.data", "string"],
  }],
  TokenUsage: ["JobUsed", {
    job_id: "JobEvent.job_id",
    attempt: "JobEvent.attempt",
    ...usage,
    "model?": "Usage.model",
  }],
  Participant: ["Participant", {
    user_id: "Participant.user_id",
    "since|": "Participant.since",
    connections: "Participant.connections",
  }],
  GraphNode: ["Node", {
    ...node,
    "parent_id|": "Node.parent_id",
    properties: ["Node.properties", "Readonly<Record<string, unknown>>"],
  }],
  GraphLink: ["Link", { parent_id: "Link.parent_id", node_id: "Link.node_id" }],
  NodeCreated: ["NodeCreated", {
    graph: "NodeCreated.graph",
    ...node,
    "parent_id?": "Node.parent_id",
    properties: ["Node.properties", "Readonly<Record<string, unknown>>"],
  }],
  NodeDeleted: ["NodeDeleted", { graph: "NodeDeleted.graph", node_id: "NodeDeleted.node_id" }],
  NodeLinked: ["NodeLinked", {
    graph: "NodeLinked.graph",
    parent_id: "NodeLinked.parent_id",
    node_id: "NodeLinked.node_id",
  }],
  NodeUnlinked: ["NodeUnlinked", {
    graph: "NodeUnlinked.graph",
    parent_id: "NodeUnlinked.parent_id",
    node_id: "NodeUnlinked.node_id",
  }],
  PropertyChanged: ["PropertyChanged", {
    graph: "PropertyChanged.graph",
    node_id: "PropertyChanged.node_id",
    key: "PropertyChanged.key",
    value: ["PropertyChanged.value", "unknown"],
    "old_value?": ["PropertyChanged.old_value", "unknown"],
  }],
  PropertyDeleted: ["PropertyDeleted", {
    graph: "PropertyDeleted.graph",
    node_id: "PropertyDeleted.node_id",
    key: "PropertyDeleted.key",
    "old_value?": ["PropertyDeleted.old_value", "unknown"],
  }],
  CommandStarted: ["CommandProgressed", command],
  CommandEnded: ["CommandProgressed", {
    ...command,
    success: ["CommandProgressed.status", "boolean"],
  }],
  PresenceChanged: ["PresenceChanged", { ...presence, "since?": "PresenceChanged.since" }],
  PresenceCounted: ["PresenceCounted", {
    participants: "PresenceCounted.participants",
    listed: "PresenceCounted.listed",
    "users?": ["PresenceCounted.users", "readonly Participant[]"],
  }],
  GraphKept: ["GraphKept", kept],
  SessionClosed: ["SessionClosed", { user_id: "SessionClosed.user_id" }],
};

/** The events, by their name on the wire. */
export const EVENTS = {
  job_status: "JobLine",
  job_update: "JobUpdate",
  job_output: "JobOutput",
  token_usage: "TokenUsage",
  "graph:node-created": "NodeCreated",
  "graph:node-deleted": "NodeDeleted",
  "graph:node-linked": "NodeLinked",
  "graph:node-unlinked": "NodeUnlinked",
  "graph:property-changed": "PropertyChanged",
  "graph:property-deleted": "PropertyDeleted",
  "command:executing": "CommandStarted",
  "command:executed": "CommandEnded",
  "command:failed": "CommandEnded",
  "command:undo": "CommandStarted",
  "command:redo": "CommandStarted",
  "session:connected": "PresenceChanged",
  "session:disconnected": "PresenceChanged",
  "session:presence": "PresenceCounted",
  "session:closed": "SessionClosed",
  "project:saved": "GraphKept",
  "project:loaded": "GraphKept",
};
