-- Which core an edge has announced itself to, and until when it lives without a word.
CREATE TABLE edge(
  edge_id text COLLATE "C" PRIMARY KEY,
  core_id text COLLATE "C" NOT NULL,
  number bigint NOT NULL,                    -- of its last word that was noted
  expires_at bigint NOT NULL)
  WITH (fillfactor = 50);
CREATE INDEX edge_expires ON edge(expires_at);
-- Edges of cores of the version before get a row, and a time, once they are found to have none.
CREATE INDEX participant_of_edge ON participant(edge_id);

-- Who is connected to an edge, in the parts in which it tells.
CREATE TABLE edge_part(
  edge_id text COLLATE "C" NOT NULL,
  part bigint NOT NULL,
  doc bytea NOT NULL,
  PRIMARY KEY(edge_id, part))
  WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 200);
