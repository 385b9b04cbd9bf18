-- Who may come in at all: revocations, users, tickets. Few rows, all of them found by their key.
CREATE TABLE access(
  kind INTEGER NOT NULL,
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  expires_at INTEGER,                        -- may be forgotten then
  doc BLOB NOT NULL,
  PRIMARY KEY(kind, tenant, name)) STRICT, WITHOUT ROWID;
CREATE INDEX access_expires ON access(expires_at) WHERE expires_at IS NOT NULL;
