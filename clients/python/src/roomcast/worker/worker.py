"""A worker: handlers by kind of job, run as jobs come."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Literal

from roomcast import trace
from roomcast.calls import Calls, new_key
from roomcast.errors import JobCancelled, JobFailure, LeaseLost, ReportRefused
from roomcast.v1 import Job, Report, WorkerHello
from roomcast.worker.driver import Driver
from roomcast.worker.held import Held
from roomcast.worker.work import AsyncWork

AsyncHandler = Callable[[AsyncWork], Awaitable[object]]
OnCancel = Literal["cancel", "signal"]

_LEAVING = "the worker is shutting down"
# An end that cannot be put into a report: JSON does not have it, it goes too deep, or is out of range.
_UNSAYABLE = (TypeError, ValueError, OverflowError, RecursionError)

SIGNALS = (signal.SIGTERM, signal.SIGINT)
_log = logging.getLogger("roomcast.worker")


class AsyncWorker:
    """Takes jobs of the kinds that have a handler, and runs as many at once as it has slots.

        worker = client.worker(slots=4)

        @worker.job("report")
        async def report(work):
            await work.progress(50, "half")
            return {"pages": 3}

        await worker.run()

    What a handler returns completes the job. It ends it otherwise by raising `JobFailure`, or
    `JobCancelled` once the job was asked to end; any other exception fails the attempt with the code
    `handler_failed`, to be retried as the job's policy says.
    """

    def __init__(
        self, calls: Calls, *, slots: int = 1, worker_id: str = "", tenant: str = ""
    ) -> None:
        """Made by the client; connects in `run`."""
        self._calls = calls.of_worker()
        self._slots = slots
        self._worker_id = worker_id or f"{socket.gethostname()}-{os.getpid()}-{new_key()[:8]}"
        self._tenant = tenant
        self._handlers: dict[str, tuple[AsyncHandler, OnCancel]] = {}
        self._driver: Driver | None = None
        self._working: set[AsyncWork] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_draining = False
        self._is_leaving = False

    @property
    def worker_id(self) -> str:
        """Unique name of this process; jobs may be pinned to it."""
        return self._worker_id

    def job(
        self, kind: str, *, on_cancel: OnCancel = "cancel"
    ) -> Callable[[AsyncHandler], AsyncHandler]:
        """Makes a function the handler of a kind of job.

        Args:
            kind: `[A-Za-z0-9_.-]{1,128}`.
            on_cancel: What happens when somebody asks the job to end. `cancel`: the handler is
                cancelled, as asyncio does, and the job with it. `signal`: only `work.cancelled` is set,
                and the handler ends by itself within the grace. Also when the lease is lost.

        Raises:
            ValueError: The kind has a handler.
        """

        def register(handler: AsyncHandler) -> AsyncHandler:
            if kind in self._handlers:
                raise ValueError(f"the kind {kind} has a handler already")
            self._handlers[kind] = (handler, on_cancel)
            return handler

        return register

    async def run(self, *, signals: bool = True) -> None:
        """Works until drained.

        Args:
            signals: Drain at SIGTERM or SIGINT, and `leave` at a second one. For the main thread;
                elsewhere nothing is listened for.

        Raises:
            RoomcastError: The core refuses this worker for good: its token, name, kinds or slots.
            ValueError: There is no handler.
        """
        if not self._handlers:
            raise ValueError("a worker needs a handler: @worker.job(kind)")
        hello = WorkerHello(
            worker_id=self._worker_id,
            kinds=list(self._handlers),
            slots=self._slots,
            tenant=self._tenant,
        )
        self._driver = Driver(self._calls, hello, self._begin)
        if self._is_draining:
            self._driver.drain()
        try:
            with self._listening() if signals else nullcontext():
                await self._driver.run()
        finally:
            # Nothing is left where the core refused us for good, or `run` was cancelled: then the
            # leases run out by themselves.
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def drain(self) -> None:
        """Takes no more jobs. `run` returns when those under way have ended."""
        self._is_draining = True
        if self._driver is not None:
            self._driver.drain()

    def leave(self) -> None:
        """Drains, and gives back what is under way: handlers are asked to end, their jobs released."""
        self._is_leaving = True
        self.drain()
        for work in self._working:
            work.stopped.set()

    def _begin(self, job: Job, held: Held) -> None:
        work = AsyncWork(job, held)
        self._working.add(work)
        with trace.within(job.trace_id):
            task = asyncio.create_task(self._see_through(work, held), name=f"job {job.job_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _see_through(self, work: AsyncWork, held: Held) -> None:
        """From the job's first report to its last."""
        handler, on_cancel = self._handlers[work.job.kind]
        try:
            # Starts the attempt, even of a handler that says nothing.
            await held.report(Report())
            if self._is_draining:
                # It was on its way when the core heard of the drain.
                await work.release(_LEAVING)
                return
            running = asyncio.create_task(_handle(handler, work))
            watching = asyncio.create_task(_cancel_when_stopped(running, work))
            if on_cancel == "signal":
                watching.cancel()
            try:
                await asyncio.wait((running,))
            finally:
                watching.cancel()
                running.cancel()
                await asyncio.wait((running,))
            await self._record(running, work)
        except LeaseLost:
            _log.info("the lease on job %s is lost", work.job.job_id)
        finally:
            self._working.discard(work)
            if self._driver is not None:
                self._driver.let_go(held)

    async def _record(self, handled: asyncio.Future[object], work: AsyncWork) -> None:
        error = JobCancelled() if handled.cancelled() else handled.exception()
        if work.has_ended or isinstance(error, LeaseLost):
            return
        try:
            if error is None:
                await work.complete(handled.result())
            elif not isinstance(error, JobCancelled):
                await work.fail(_failure(error, work))
            elif work.cancelled.is_set():
                await work.confirm_cancellation()
            else:
                await work.release(_LEAVING)
        except (ReportRefused, *_UNSAYABLE) as refused:
            # Every job ends.
            code = refused.code if isinstance(refused, ReportRefused) else "result_invalid"
            await work.fail(JobFailure(code, str(refused), retryable=False))

    @contextmanager
    def _listening(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        is_main = threading.current_thread() is threading.main_thread()
        heard = SIGNALS if is_main and os.name == "posix" else ()
        for number in heard:
            loop.add_signal_handler(number, self.interrupt)
        try:
            yield
        finally:
            for number in heard:
                loop.remove_signal_handler(number)

    def interrupt(self) -> None:
        """What a signal does: drains; the second time, leaves."""
        if self._is_draining:
            self.leave()
        self.drain()


async def _handle(handler: AsyncHandler, work: AsyncWork) -> object:
    # Called in the task: what is no async function, or takes other arguments, fails its job alone.
    return await handler(work)


async def _cancel_when_stopped(running: asyncio.Future[object], work: AsyncWork) -> None:
    await work.stopped.wait()
    was_lost = work.lost.is_set()
    running.cancel()
    if not was_lost:
        # Its grace is over: what cleans up still is interrupted.
        await work.lost.wait()
        running.cancel()


def _failure(error: BaseException, work: AsyncWork) -> JobFailure:
    if isinstance(error, JobFailure):
        return error
    _log.error("the handler of job %s failed", work.job.job_id, exc_info=error)
    return JobFailure("handler_failed", f"{type(error).__name__}: {error}")
