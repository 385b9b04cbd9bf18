-- The events of a topic are a chain: each names the one before it, the head names the last, and every
-- 64th is marked. An index over all of them is one page more to write for every topic of a commit.
CREATE TABLE event_chained(
  id INTEGER PRIMARY KEY,
  topic INTEGER NOT NULL,
  "offset" INTEGER NOT NULL,
  previous INTEGER NOT NULL,                 -- id of the topic's event before; of no meaning at the floor
  stamp INTEGER NOT NULL,
  time INTEGER NOT NULL,
  form INTEGER NOT NULL,                     -- how to read the body: codec.rs
  type TEXT NOT NULL,
  trace BLOB,
  body BLOB NOT NULL) STRICT;
CREATE TABLE event_mark(
  topic INTEGER NOT NULL,
  "offset" INTEGER NOT NULL,
  event INTEGER NOT NULL,
  PRIMARY KEY(topic, "offset")) STRICT, WITHOUT ROWID;
ALTER TABLE topic_head ADD COLUMN last INTEGER NOT NULL DEFAULT 0;  -- id of the event at the head

INSERT INTO event_chained
  SELECT id, topic, "offset", coalesce((SELECT id FROM event p
    WHERE p.topic = e.topic AND p."offset" = e."offset" - 1), 0), stamp, time, form, type, trace, body
  FROM event e ORDER BY id;
INSERT INTO event_mark SELECT topic, "offset", id FROM event WHERE "offset" % 64 = 0;
UPDATE topic_head SET last = coalesce((SELECT id FROM event e
  WHERE e.topic = topic_head.topic AND e."offset" = head), 0);

-- Where output lies, by the offset of its event: the first of each attempt and channel, and again
-- once 64 events have followed.
CREATE TABLE output_mark(
  topic INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  channel TEXT NOT NULL,
  start INTEGER NOT NULL,
  "offset" INTEGER NOT NULL,
  PRIMARY KEY(topic, attempt, channel, start)) STRICT, WITHOUT ROWID;
INSERT INTO output_mark
  SELECT o.topic, o.attempt, o.channel, o.start, e."offset" FROM job_output o JOIN event e ON e.id = o.event;
DROP TABLE job_output;
DROP TABLE event;
ALTER TABLE event_chained RENAME TO event;

-- What every report rewrites, beside what lists search by.
CREATE TABLE job_record(
  topic INTEGER PRIMARY KEY,
  doc BLOB NOT NULL) STRICT;
INSERT INTO job_record SELECT topic, doc FROM job;
ALTER TABLE job DROP COLUMN doc;
