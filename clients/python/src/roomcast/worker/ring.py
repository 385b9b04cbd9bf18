"""The reports of one lease that are not durable yet. Pure: what to send, what an answer changes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from roomcast.v1 import Fault, Lease, OutputChunk, Report

# Small enough to be on its way at once, and to keep a full ring small.
JOINED_BYTES_MAX = 64 << 10
# At twenty reports a second longer than a core's restart.
REPORTS_MAX = 256

Settled = Callable[[Fault | None], None]
"""Told what came of a report: None when it is durable, the fault when it was refused for good."""


@dataclass
class _Kept:
    report: Report
    size: int
    settled: Settled | None
    # What was sent once may be durable as it is: it never changes any more.
    was_sent: bool = False


class Ring:
    """Reports in the order of their numbers."""

    def __init__(self, lease: Lease) -> None:
        """Empty; the next report is number 1."""
        self._lease = lease
        self._kept: deque[_Kept] = deque()
        # The number of the last report, durable or not.
        self._last = 0
        # How many of the kept ones were sent on the connection under way.
        self._sent = 0
        # How many of them may be: any number, but after a refusal for now few. Each would be refused as well.
        self._window = REPORTS_MAX
        # Of the kept ones together.
        self.bytes = 0

    def __len__(self) -> int:
        """How many are not durable yet."""
        return len(self._kept)

    def push(self, report: Report, settled: Settled | None) -> None:
        """Keeps a report under the next number."""
        self._last += 1
        report.job_id, report.fence = self._lease.job_id, self._lease.fence
        report.number = self._last
        kept = _Kept(report, report.ByteSize(), settled)
        self._kept.append(kept)
        self.bytes += kept.size

    def join(self, output: OutputChunk) -> bool:
        """Adds output to the last report, if that is of the same channel and still to be sent.

        A program that prints line by line would else send a report for each.
        """
        last = self._kept[-1] if self._kept else None
        if last is None or last.was_sent or not last.report.output:
            return False
        written = last.report.output[-1]
        size = len(output.data)
        if written.channel != output.channel or len(written.data) + size > JOINED_BYTES_MAX:
            return False
        written.data += output.data
        last.size += size
        self.bytes += size
        return True

    @property
    def has_unsent(self) -> bool:
        """Whether there is something to send."""
        return self._sent < min(len(self._kept), self._window)

    def next_unsent(self) -> Report:
        """The next report to send."""
        kept = self._kept[self._sent]
        kept.was_sent = True
        self._sent += 1
        return kept.report

    def settle(self, number: int) -> list[Settled]:
        """All up to `number` are durable; answers whom to tell."""
        settled = []
        while self._kept and self._kept[0].report.number <= number:
            kept = self._oldest()
            self._sent = max(self._sent - 1, 0)
            self._window = min(self._window * 2, REPORTS_MAX)
            if kept.settled is not None:
                settled.append(kept.settled)
        return settled

    def hold_back(self) -> None:
        """The core cannot take the oldest for now: next time that goes alone, and then ever more."""
        self._window = 1

    def rewind(self) -> None:
        """Sends all that are kept again: the connection is new, or the core may take them now."""
        self._sent = 0

    def drop(self, number: int) -> Settled | None:
        """Report `number` will never be taken; those behind it move up. Answers whom to tell."""
        kept = self._oldest()
        for later in self._kept:
            later.report.number -= 1
        self._last -= 1
        self._sent = 0
        return kept.settled

    def is_next(self, number: int) -> bool:
        """Whether it is the oldest: a report behind a refused one is refused for its number alone."""
        return bool(self._kept) and self._kept[0].report.number == number

    def _oldest(self) -> _Kept:
        kept = self._kept.popleft()
        self.bytes -= kept.size
        return kept
