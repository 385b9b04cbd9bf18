"""Roomcast from Python: publish events, run jobs, watch both.

`AsyncClient` is the core of it, `Client` the same for programs that wait. Both have:

- `jobs`, `topics`, `rooms`, `connections`, `dashboard`, `projects`, `sessions`: calls of the contract,
  typed (`client.py` has the map). What changes something carries an idempotency key and is asked again, at
  the next core if there is one, until it is answered or 30 s are over. What watches goes on by its cursor.
- `worker()`: handlers by kind of job (`worker/`): leases, beats, reports that survive a restart of the
  core, cancellation, drain.

Below them lie `calls` (credentials, tries), `cores` (which core), `watch` (cursors). Messages are the
contract's own: `roomcast.v1`. Errors are in `errors`; each has its code of the registry.
"""

from roomcast import commands
from roomcast.client import AsyncClient
from roomcast.credentials import Tls
from roomcast.errors import (
    Conflict,
    Exhausted,
    InvalidRequest,
    JobCancelled,
    JobFailure,
    LeaseLost,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    ReportRefused,
    RoomcastError,
    Unavailable,
)
from roomcast.jobs import has_ended
from roomcast.payload import data_of, from_payload, to_payload
from roomcast.sync.client import Client
from roomcast.sync.work import ProgressTracker, Work
from roomcast.sync.worker import Worker
from roomcast.worker.progress import AsyncProgressTracker
from roomcast.worker.work import AsyncWork
from roomcast.worker.worker import AsyncWorker

__all__ = [
    "AsyncClient",
    "AsyncProgressTracker",
    "AsyncWork",
    "AsyncWorker",
    "Client",
    "Conflict",
    "Exhausted",
    "InvalidRequest",
    "JobCancelled",
    "JobFailure",
    "LeaseLost",
    "NotAuthenticated",
    "NotFound",
    "NotPermitted",
    "ProgressTracker",
    "ReportRefused",
    "RoomcastError",
    "Tls",
    "Unavailable",
    "Work",
    "Worker",
    "commands",
    "data_of",
    "from_payload",
    "has_ended",
    "to_payload",
]
