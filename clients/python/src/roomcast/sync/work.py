"""A job in the hands of a worker whose handlers wait."""

from __future__ import annotations

import asyncio
import io
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any, TextIO

from roomcast.errors import JobCancelled, LeaseLost, ReportRefused
from roomcast.sync.blocking import Blocking, Facade
from roomcast.sync.portal import Portal
from roomcast.v1 import Job
from roomcast.worker.output import CHUNK_BYTES_MAX, AsyncOutput
from roomcast.worker.progress import AsyncProgressTracker
from roomcast.worker.work import AsyncWork


class Work(Facade[AsyncWork]):
    """What a handler has of its job: the input, signals to end, and the door for reports.

    As `AsyncWork`, but that `cancelled`, `lost` and `stopped` are `threading.Event`s, and an output is a
    text file: `print("page 1", file=work.stdout)`.
    """

    def __init__(self, portal: Portal, inner: AsyncWork) -> None:
        """Made by the worker."""
        super().__init__(portal, inner)
        self.job: Job = inner.job
        self.cancelled = threading.Event()
        self.lost = threading.Event()
        self.stopped = threading.Event()
        self._outputs: dict[str, io.TextIOWrapper] = {}

    async def mirror(self) -> None:
        """Passes the signals on to the handler's thread, for as long as it runs."""

        async def pass_on(theirs: asyncio.Event, ours: threading.Event) -> None:
            await theirs.wait()
            ours.set()

        await asyncio.gather(
            pass_on(self.inner.cancelled, self.cancelled),
            pass_on(self.inner.lost, self.lost),
            pass_on(self.inner.stopped, self.stopped),
        )

    @property
    def input(self) -> Any:
        """What to work on: the value of JSON, the bytes of anything else."""
        return self.inner.input

    @property
    def attempt(self) -> int:
        """Number of this attempt, from 1. The job was handed out before it began."""
        return self.inner.attempt

    @property
    def grace(self) -> float | None:
        """Seconds from the cancellation until the job ends without the worker."""
        return self.inner.grace

    @property
    def has_ended(self) -> bool:
        """Whether the attempt's end was reported."""
        return self.inner.has_ended

    def raise_if_stopped(self) -> None:
        """For work between two steps.

        Raises:
            JobCancelled: Somebody asked the job to end, or the worker leaves; let it pass, or finish.
            LeaseLost: The job is another's.
        """
        if self.lost.is_set():
            raise LeaseLost
        if self.stopped.is_set():
            raise JobCancelled

    progress = Blocking(AsyncWork.progress)
    publish = Blocking(AsyncWork.publish)
    usage = Blocking(AsyncWork.usage)
    complete = Blocking(AsyncWork.complete)
    fail = Blocking(AsyncWork.fail)
    confirm_cancellation = Blocking(AsyncWork.confirm_cancellation)
    release = Blocking(AsyncWork.release)
    emit_job_progress = Blocking(AsyncWork.emit_job_progress)
    emit_job_completed = Blocking(AsyncWork.emit_job_completed)
    emit_job_failed = Blocking(AsyncWork.emit_job_failed)
    emit_job_cancelled = Blocking(AsyncWork.emit_job_cancelled)

    def output(self, channel: str) -> TextIO:
        """A channel of output as a text file, `[A-Za-z0-9_.-]{1,64}`; at most 16 in a job.

        It goes out line by line; `.buffer` takes bytes.
        """
        if channel not in self._outputs:
            raw = _Channel(self.portal, self.inner.output(channel))
            self._outputs[channel] = io.TextIOWrapper(
                io.BufferedWriter(raw, CHUNK_BYTES_MAX),
                encoding="utf-8",
                newline="",
                line_buffering=True,
            )
        return self._outputs[channel]

    @property
    def stdout(self) -> TextIO:
        """The channel that is shown first."""
        return self.output("stdout")

    @property
    def stderr(self) -> TextIO:
        """The other usual one."""
        return self.output("stderr")

    def flush(self) -> None:
        """Waits until all that was written and reported is durable, or refused."""
        for output in self._outputs.values():
            output.flush()
        self.portal.call(self.inner.flush())

    def close_outputs(self) -> None:
        """Writes what is left of unfinished lines; nothing where it is not taken, which ends no job."""
        for output in self._outputs.values():
            with suppress(LeaseLost, ReportRefused):
                output.close()


class _Channel(io.RawIOBase):
    """One channel, as files want it."""

    def __init__(self, portal: Portal, output: AsyncOutput) -> None:
        self._portal = portal
        self._output = output

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        content = bytes(data)
        self._portal.call(self._output.write(content))
        return len(content)


class ProgressTracker(Facade[AsyncProgressTracker]):
    """Keeps the percent of a job and tells it.

    As a context manager it begins at 0, and ends at 100 unless an exception passes.

        with ProgressTracker(work) as progress:
            progress.set_stage("Drafting", 40)
            progress.increment(10, "second page")
    """

    def __init__(self, work: Work) -> None:
        """Tells of this job."""
        super().__init__(work.portal, AsyncProgressTracker(work.inner))

    @property
    def current(self) -> float:
        """What was told last, 0 to 100."""
        return self.inner.current

    update = Blocking(AsyncProgressTracker.update)
    increment = Blocking(AsyncProgressTracker.increment)
    set_stage = Blocking(AsyncProgressTracker.set_stage)

    def __enter__(self) -> ProgressTracker:
        """Begins at 0."""
        self.update(0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends at 100, unless something went wrong."""
        self.portal.call(self.inner.__aexit__(kind, error, trace))
