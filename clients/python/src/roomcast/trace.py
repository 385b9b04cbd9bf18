"""The trace that calls belong to, as W3C trace context has it.

Every event carries the trace id of the call that caused it. What a job's handler calls belongs to the
trace of the request that created the job.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_trace_id: ContextVar[str] = ContextVar("roomcast_trace_id", default="")


@contextmanager
def within(trace_id: str) -> Iterator[None]:
    """Calls inside belong to this trace: 32 hex digits. An empty one leaves things as they are."""
    if not trace_id:
        yield
        return
    mark = _trace_id.set(trace_id)
    try:
        yield
    finally:
        _trace_id.reset(mark)


def child() -> str:
    """`traceparent` of the next call: in the trace under way, else in one of its own."""
    return f"00-{_trace_id.get() or secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
