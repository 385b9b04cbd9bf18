-- Projects, their members, and the sessions in them.

CREATE TABLE project(
  project_id TEXT PRIMARY KEY,               -- UUIDv7: the order of ids is the order of creation
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  owner TEXT NOT NULL,
  created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX project_of_tenant ON project(tenant, project_id);

CREATE TABLE project_member(
  project_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  tenant TEXT NOT NULL,
  role INTEGER NOT NULL,
  PRIMARY KEY(project_id, user_id)) STRICT, WITHOUT ROWID;
CREATE INDEX project_of_member ON project_member(tenant, user_id, project_id);

CREATE TABLE session(
  topic INTEGER PRIMARY KEY,
  session_id TEXT NOT NULL UNIQUE,
  project_id TEXT NOT NULL,
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  closed_at INTEGER,
  participants INTEGER NOT NULL DEFAULT 0,
  is_counted INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX session_of_project ON session(project_id, session_id);

-- Who is there, through which edge.
CREATE TABLE participant(
  topic INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  edge_id TEXT NOT NULL,
  connections INTEGER NOT NULL,
  since INTEGER NOT NULL,
  PRIMARY KEY(topic, user_id, edge_id)) STRICT, WITHOUT ROWID;

-- A graph's content is a body: rows for each node and link, so that a command writes only what it
-- changes. A save is a body that nobody changes. Numbers of graphs are never used again: a body bears
-- that of the graph it was begun for.
CREATE TABLE graph(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  topic INTEGER NOT NULL,
  name TEXT NOT NULL,
  body INTEGER NOT NULL,
  head TEXT NOT NULL,                        -- version, history, size
  UNIQUE(topic, name)) STRICT;

CREATE TABLE graph_node(
  body INTEGER NOT NULL,
  node_id TEXT NOT NULL,
  doc BLOB NOT NULL,
  PRIMARY KEY(body, node_id)) STRICT, WITHOUT ROWID;

CREATE TABLE graph_link(
  body INTEGER NOT NULL,
  node_id TEXT NOT NULL,
  parent_id TEXT NOT NULL,
  PRIMARY KEY(body, node_id, parent_id)) STRICT, WITHOUT ROWID;
CREATE INDEX graph_child ON graph_link(body, parent_id, node_id);

-- The history: what undoes a command and does it again.
CREATE TABLE graph_step(
  graph INTEGER NOT NULL,
  number INTEGER NOT NULL,
  doc BLOB NOT NULL,
  PRIMARY KEY(graph, number)) STRICT, WITHOUT ROWID;

CREATE TABLE graph_save(
  topic INTEGER NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  graph TEXT NOT NULL,
  body INTEGER NOT NULL,
  head TEXT NOT NULL,
  saved_at INTEGER NOT NULL,
  saved_by TEXT NOT NULL,
  PRIMARY KEY(topic, name, version)) STRICT, WITHOUT ROWID;

-- Bodies that nothing names: being copied, or replaced. The cleaner deletes them after this moment.
CREATE TABLE graph_loose(
  body INTEGER PRIMARY KEY,
  goes_at INTEGER NOT NULL) STRICT;
CREATE INDEX graph_loose_goes ON graph_loose(goes_at);
