-- Which core an edge has announced itself to, and until when it lives without a word.
CREATE TABLE edge(
  edge_id TEXT PRIMARY KEY,
  core_id TEXT NOT NULL,
  number INTEGER NOT NULL,                   -- of its last word that was noted
  expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX edge_expires ON edge(expires_at);
-- Those that were there before have a word to say, or are gone.
INSERT INTO edge SELECT DISTINCT edge_id, '', 0, 0 FROM participant;
CREATE INDEX participant_of_edge ON participant(edge_id);

-- Who is connected to an edge, in the parts in which it tells.
CREATE TABLE edge_part(
  edge_id TEXT NOT NULL,
  part INTEGER NOT NULL,
  doc BLOB NOT NULL,
  PRIMARY KEY(edge_id, part)) STRICT;
