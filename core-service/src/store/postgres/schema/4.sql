-- What jobs have used of models, as reported: of a project, and of each of its sessions.

CREATE TABLE usage_total(
  project_id text NOT NULL,
  session_id text NOT NULL,                  -- empty for all of the project
  input_tokens bigint NOT NULL,
  output_tokens bigint NOT NULL,
  cached_input_tokens bigint NOT NULL,
  reasoning_tokens bigint NOT NULL,
  total_tokens bigint NOT NULL,
  cost_micros bigint NOT NULL,
  PRIMARY KEY(project_id, session_id));
