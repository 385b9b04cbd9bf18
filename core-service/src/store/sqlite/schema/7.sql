-- What jobs have used of models, as reported: of a project, and of each of its sessions.
CREATE TABLE usage_total(
  project_id TEXT NOT NULL,
  session_id TEXT NOT NULL,                  -- empty for all of the project
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cached_input_tokens INTEGER NOT NULL,
  reasoning_tokens INTEGER NOT NULL,
  total_tokens INTEGER NOT NULL,
  cost_micros INTEGER NOT NULL,
  PRIMARY KEY(project_id, session_id)) STRICT, WITHOUT ROWID;
