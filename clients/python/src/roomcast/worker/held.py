"""One lease with its reports and the signals to whoever works on it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from roomcast.errors import LeaseLost
from roomcast.v1 import CancelNotice, Fault, Lease, Report
from roomcast.worker.ring import REPORTS_MAX, Ring, Settled

# As many chunks of output as a ring has reports; an event may be larger.
REPORTS_BYTES_MAX = 16 << 20
# The core takes no message of more than 4 MiB, and ends the connection that brings one; this leaves room
# for what a report says beside its content.
REPORT_BYTES_MAX = (4 << 20) - (4 << 10)

_log = logging.getLogger("roomcast.worker")


class Held:
    """A lease in this worker's hands."""

    def __init__(self, lease: Lease, wake: Callable[[], None]) -> None:
        """A lease as it was assigned; `wake` tells the driver that there is something to send."""
        self.lease = lease
        self.ring = Ring(lease)
        self.cancelled = asyncio.Event()
        self.lost = asyncio.Event()
        # Either of the two.
        self.stopped = asyncio.Event()
        self.grace: float | None = None
        # While it is set, the core does not want this lease's reports.
        self.retry_at: float | None = None
        self.has_ended = False
        # The first refusal, until somebody was told.
        self.refusal: Fault | None = None
        self._wake = wake
        self._room = asyncio.Event()

    async def report(self, report: Report, settled: Settled | None = None) -> None:
        """Keeps a report to be sent; waits while the ring is full.

        Raises:
            LeaseLost: There is nobody to report to.
        """
        await self.room()
        self.push(report, settled)

    async def room(self) -> None:
        """Waits until the ring takes one more: `push` then does so, without waiting in between."""
        while self._is_full and not self.lost.is_set():
            self._room.clear()
            await self._room.wait()
        if self.lost.is_set():
            raise LeaseLost

    @property
    def _is_full(self) -> bool:
        return len(self.ring) >= REPORTS_MAX or self.ring.bytes >= REPORTS_BYTES_MAX

    def push(self, report: Report, settled: Settled | None = None) -> None:
        """Keeps a report for which there is room; one that no core takes is refused here."""
        size = report.ByteSize()
        if size > REPORT_BYTES_MAX:
            message = f"a report has at most {REPORT_BYTES_MAX} bytes, not {size}"
            self._drop(Fault(code="payload_too_large", message=message), settled)
            return
        self.ring.push(report, settled)
        self._wake()

    @property
    def may_send(self) -> bool:
        """Whether a report is there to be sent."""
        return self.retry_at is None and self.ring.has_unsent

    def rewind(self) -> None:
        """Everything that is not durable goes again."""
        self.retry_at = None
        self.ring.rewind()

    async def durable(self, report: Report) -> Fault | None:
        """Waits until a report is durable, or answers why it was refused.

        Raises:
            LeaseLost: The lease was lost before.
        """
        outcome: asyncio.Future[Fault | None] = asyncio.get_running_loop().create_future()

        def settle(fault: Fault | None) -> None:
            if not outcome.done():
                outcome.set_result(fault)

        await self.report(report, settle)
        lost = asyncio.ensure_future(self.lost.wait())
        try:
            await asyncio.wait((outcome, lost), return_when=asyncio.FIRST_COMPLETED)
        finally:
            lost.cancel()
        if not outcome.done():
            raise LeaseLost
        fault = outcome.result()
        if fault is self.refusal:
            self.refusal = None
        return fault

    def cancel(self, notice: CancelNotice) -> None:
        """Somebody asks the job to end."""
        if self.grace is None and notice.HasField("grace"):
            # Told again after a reconnect; the first grace is the one that counts down.
            self.grace = notice.grace.ToTimedelta().total_seconds()
        self.cancelled.set()
        self.stopped.set()

    def settle(self, number: int) -> None:
        """Reports up to `number` are durable."""
        for tell in self.ring.settle(number):
            tell(None)
        self._room.set()

    def refuse(self, number: int, fault: Fault) -> bool:
        """A report was not taken. Answers whether the same may be taken later."""
        if not self.ring.is_next(number):
            return False
        if fault.retryable:
            self.ring.hold_back()
            return True
        self._drop(fault, self.ring.drop(number))
        self._room.set()
        return False

    def _drop(self, fault: Fault, settled: Settled | None) -> None:
        # What follows from the first is worth no line of its own.
        level = logging.DEBUG if self.refusal else logging.WARNING
        _log.log(level, "a report was refused: %s [%s]", fault.message, fault.code)
        self.refusal = self.refusal or fault
        if settled is not None:
            settled(fault)

    def lose(self) -> None:
        """The lease is no longer ours."""
        self.lost.set()
        self.stopped.set()
        self._room.set()
