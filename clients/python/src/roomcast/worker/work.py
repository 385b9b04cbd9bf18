"""A job in a worker's hands."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from roomcast.errors import JobCancelled, JobFailure, LeaseLost, ReportRefused
from roomcast.payload import from_payload, new_event, to_payload
from roomcast.topics import Data
from roomcast.v1 import (
    Cancellation,
    Completion,
    Failure,
    Fault,
    Job,
    ProgressUpdate,
    Release,
    Report,
    Usage,
)
from roomcast.worker.held import Held
from roomcast.worker.output import AsyncOutput

# Done.
PERCENT_MAX = 100.0
# What the contract takes of a fault's message, in bytes.
FAULT_BYTES_MAX = 4096


class AsyncWork:
    """What a handler has of its job: the input, signals to end, and the door for reports.

    A report returns when it is kept for sending, and is sent until it is durable, whatever happens to
    the connection; while 256 of them, or 16 MiB, are on their way the next one waits. All of them raise
    `LeaseLost` once the job is another's or has ended.

    Attributes:
        job: The job, with its input.
        cancelled: Set when somebody asks the job to end.
        lost: Set when the lease is lost: drop the work.
        stopped: Set when either is, and when the worker leaves.
    """

    def __init__(self, job: Job, held: Held) -> None:
        """Made by the worker."""
        self._held = held
        self._outputs: dict[str, AsyncOutput] = {}
        self.job = job
        self.cancelled = held.cancelled
        self.lost = held.lost
        self.stopped = held.stopped

    @property
    def input(self) -> Any:
        """What to work on: the value of JSON, the bytes of anything else."""
        return from_payload(self.job.input)

    @property
    def attempt(self) -> int:
        """Number of this attempt, from 1. The job was handed out before it began."""
        return self.job.attempt + 1

    @property
    def grace(self) -> float | None:
        """Seconds from the cancellation until the job ends without the worker."""
        return self._held.grace

    @property
    def has_ended(self) -> bool:
        """Whether the attempt's end was reported."""
        return self._held.has_ended

    def raise_if_stopped(self) -> None:
        """For work that does not wait: between two steps.

        Raises:
            JobCancelled: Somebody asked the job to end, or the worker leaves; let it pass, or finish.
            LeaseLost: The job is another's.
        """
        if self.lost.is_set():
            raise LeaseLost
        if self.stopped.is_set():
            raise JobCancelled

    async def progress(
        self,
        percent: float | None = None,
        message: str | None = None,
        *,
        increment: float | None = None,
        stage: str | None = None,
        counters: Mapping[str, int] | None = None,
    ) -> None:
        """Says how far it is. The core merges what comes faster than ten a second; the last counts.

        Args:
            percent: 0 to 100. A smaller value than before counts as the one before.
            message: For a person, at most 1 KiB.
            increment: Added to the percent, stopping at 100; not together with `percent`.
            stage: Name of the stage, at most 128 bytes.
            counters: New values of some counters, at most 32.

        Raises:
            ValueError: A percent or increment that is out of range, or both.
        """
        if percent is not None and increment is not None:
            raise ValueError("percent and increment exclude each other")
        update = ProgressUpdate(
            percent=_checked("percent", percent),
            increment=_checked("increment", increment),
            message=message,
            stage=stage,
            counters=counters,
        )
        await self._held.report(Report(progress=update))

    async def publish(self, type: str, data: Data) -> None:
        """An event of the application's own, for all who watch the job or its project.

        Args:
            type: `[A-Za-z0-9_.:-]{1,128}`, and none of Socket.IO's or Roomcast's own.
            data: One JSON object. `flush` tells whether the core took it.
        """
        await self._held.report(Report(events=[new_event(type, data)]))

    async def usage(self, usage: Usage) -> None:
        """What the model API has reported in this attempt so far: cumulative, never estimated."""
        await self._held.report(Report(usage=usage))

    def output(self, channel: str) -> AsyncOutput:
        """A channel of output, `[A-Za-z0-9_.-]{1,64}`; at most 16 in a job."""
        return self._outputs.setdefault(channel, AsyncOutput(channel, self._held))

    @property
    def stdout(self) -> AsyncOutput:
        """The channel that is shown first."""
        return self.output("stdout")

    @property
    def stderr(self) -> AsyncOutput:
        """The other usual one."""
        return self.output("stderr")

    async def flush(self) -> None:
        """Waits until all that was reported is durable.

        Raises:
            ReportRefused: The core did not take one of the reports since the last `flush`: the first.
        """
        await self._held.durable(Report())
        refusal, self._held.refusal = self._held.refusal, None
        if refusal is not None:
            raise ReportRefused.of(refusal)

    async def complete(self, result: object = None) -> None:
        """Ends the job well; what the handler returns does the same.

        Args:
            result: What it produced: anything that JSON can say, or a `Payload`; at most 1 MiB.

        Raises:
            ReportRefused: The core does not take this end. The job goes on.
        """
        await self._end(Report(completed=Completion(result=to_payload(result))))

    async def fail(self, failure: JobFailure) -> None:
        """Ends the attempt badly; raising `failure` in the handler does the same."""
        message = failure.message.encode()[:FAULT_BYTES_MAX].decode(errors="ignore")
        error = Fault(code=failure.code, message=message, retryable=failure.retryable)
        report = Report(failed=Failure(error=error))
        if failure.retry_after is not None:
            report.failed.retry_after.FromTimedelta(timedelta(seconds=failure.retry_after))
        await self._end(report)

    async def confirm_cancellation(self) -> None:
        """Ends the job as it was asked to; raising `JobCancelled` does the same.

        Raises:
            ReportRefused: `not_cancelling`: nobody asked.
        """
        await self._end(Report(cancelled=Cancellation()))

    async def release(self, reason: str) -> None:
        """Gives the job back unharmed: another worker may take it, and the attempt does not count."""
        await self._end(Report(released=Release(reason=reason)))

    async def emit_job_progress(self, progress: float, message: str | None = None) -> None:
        """Says how far it is, 0 to 100: a `job_update` to all who watch."""
        await self.progress(progress, message)

    async def emit_job_completed(self, result: object = None) -> None:
        """Ends the job well: the last `job_update`."""
        await self.complete(result)

    async def emit_job_failed(self, error_message: str, code: str = "failed") -> None:
        """Ends the job badly, for good: the last `job_update`."""
        await self.fail(JobFailure(code, error_message, retryable=False))

    async def emit_job_cancelled(self) -> None:
        """Ends the job as it was asked to: the last `job_update`."""
        await self.confirm_cancellation()

    async def _end(self, report: Report) -> None:
        fault = await self._held.durable(report)
        if fault is not None:
            raise ReportRefused.of(fault)
        self._held.has_ended = True


def _checked(name: str, value: float | None) -> float | None:
    if value is not None and not (math.isfinite(value) and 0 <= value <= PERCENT_MAX):
        raise ValueError(f"{name} is 0 to 100, not {value}")
    return value
