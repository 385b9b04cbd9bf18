"""Counts what a store's file holds: rows by table, topics and events by kind of topic."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing

# As the store numbers them.
KINDS = {1: "job", 2: "session", 3: "project", 4: "room", 5: "user", 6: "access", 7: "audit"}


def counted(store: sqlite3.Connection) -> dict[str, int]:
    """One transaction, so that all counts are of one moment."""
    store.execute("BEGIN")
    names = store.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    rows = {}
    for (name,) in names:
        (rows[name],) = store.execute(f'SELECT count(*) FROM "{name}"').fetchone()
    topics = store.execute("SELECT kind, count(*) FROM topic GROUP BY kind")
    rows |= {f"topics of kind {KINDS[kind]}": count for kind, count in topics}
    events = store.execute(
        "SELECT kind, count(*) FROM event JOIN topic ON topic.id = event.topic GROUP BY kind"
    )
    return rows | {f"events of kind {KINDS[kind]}": count for kind, count in events}


with closing(sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)) as opened:
    print(json.dumps(counted(opened)))
