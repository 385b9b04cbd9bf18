-- Times are milliseconds since 1970. Words are those of the domain.

CREATE TABLE topic(
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  floor INTEGER NOT NULL DEFAULT 0,          -- retained are the offsets (floor, head]
  oldest INTEGER,                            -- time of the first retained event
  ended_at INTEGER,                          -- when the job or session ended that it is the log of
  UNIQUE(kind, tenant, name)) STRICT;
-- What every append moves: short rows of their own, so that a commit to many topics writes few pages.
CREATE TABLE topic_head(
  topic INTEGER PRIMARY KEY,
  head INTEGER NOT NULL DEFAULT 0,
  stamp INTEGER NOT NULL DEFAULT 0,          -- of the event at the head
  bytes INTEGER NOT NULL DEFAULT 0,          -- of retained bodies
  types TEXT NOT NULL DEFAULT '{}') STRICT;  -- the last offset of each event type
CREATE INDEX topic_oldest ON topic(kind, oldest) WHERE oldest IS NOT NULL;
CREATE INDEX topic_ended ON topic(kind, ended_at) WHERE ended_at IS NOT NULL;

-- Appending by rowid keeps commits at the end of the file; one index finds a topic's offsets.
CREATE TABLE event(
  id INTEGER PRIMARY KEY,
  topic INTEGER NOT NULL,
  "offset" INTEGER NOT NULL,
  stamp INTEGER NOT NULL,
  time INTEGER NOT NULL,
  form INTEGER NOT NULL,                     -- how to read the body: codec.rs
  type TEXT NOT NULL,
  trace BLOB,
  body BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX event_offset ON event(topic, "offset");

CREATE TABLE job(
  topic INTEGER PRIMARY KEY,
  job_id TEXT NOT NULL UNIQUE,               -- UUIDv7: the order of ids is the order of creation
  tenant TEXT NOT NULL,
  owner TEXT NOT NULL,
  project TEXT,
  kind TEXT NOT NULL,
  state INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  run_at INTEGER NOT NULL,
  fairness_key TEXT NOT NULL,
  pinned_worker TEXT NOT NULL,               -- '' is anybody
  is_free INTEGER NOT NULL,                  -- queued and not leased
  deadline INTEGER,
  doc BLOB NOT NULL) STRICT;
-- A list of all states merges one range per state; so each index also serves a list of some.
CREATE INDEX job_of_tenant ON job(tenant, state, job_id);
CREATE INDEX job_of_owner ON job(tenant, owner, state, job_id);
CREATE INDEX job_of_project ON job(tenant, project, state, job_id) WHERE project IS NOT NULL;
CREATE INDEX job_of_kind ON job(tenant, kind, state, job_id);
CREATE INDEX job_free ON job(kind, pinned_worker, priority, fairness_key, job_id) WHERE is_free = 1;
CREATE INDEX job_deadline ON job(deadline) WHERE deadline IS NOT NULL;

-- Beside the job, so that no change of the job rewrites it.
CREATE TABLE job_input(
  topic INTEGER PRIMARY KEY,
  content_type TEXT NOT NULL,
  data BLOB NOT NULL) STRICT;

CREATE TABLE job_label(
  tenant TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  job_id TEXT NOT NULL,
  topic INTEGER NOT NULL,
  PRIMARY KEY(tenant, key, value, job_id)) STRICT, WITHOUT ROWID;

-- Where output lies: the bytes themselves are stored once, in the event.
CREATE TABLE job_output(
  topic INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  channel TEXT NOT NULL,
  start INTEGER NOT NULL,
  event INTEGER NOT NULL,
  PRIMARY KEY(topic, attempt, channel, start)) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency(
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  content BLOB NOT NULL,
  reply TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY(scope, key)) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_expires ON idempotency(expires_at);
