-- What all cores on this database share: one row.

CREATE TABLE cluster(
  id bigint PRIMARY KEY CHECK (id = 1),
  name text NOT NULL,                        -- of the channel on which cores tell each other of commits
  key bytea NOT NULL,                        -- under which they seal what they tell
  leader bigint NOT NULL DEFAULT 0,          -- the core that keeps house
  until bigint NOT NULL DEFAULT 0);          -- how long it does
INSERT INTO cluster(id, name, key) VALUES(1, CAST(gen_random_uuid() AS text),
  uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
