"""A worker whose handlers wait, each job in a thread of its own."""

from __future__ import annotations

import asyncio
import contextvars
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext

from roomcast.sync.blocking import Facade
from roomcast.sync.portal import Portal
from roomcast.sync.work import Work
from roomcast.worker.work import AsyncWork
from roomcast.worker.worker import SIGNALS, AsyncWorker

Handler = Callable[[Work], object]

# A handler whose lease was lost may go on for long, in its thread; the slot is free before, and what comes
# next must not wait for it. More such handlers than this for each slot are stuck, and hold up the worker.
THREADS_OF_SLOT = 4


class Worker(Facade[AsyncWorker]):
    """Takes jobs of the kinds that have a handler, and runs as many at once as it has slots.

        worker = client.worker(slots=4)

        @worker.job("report")
        def report(work):
            work.progress(50, "half")
            return {"pages": 3}

        worker.run()

    As `AsyncWorker`, but that a thread cannot be cancelled: a handler that takes long looks at
    `work.stopped`, or calls `work.raise_if_stopped()`, between its steps.
    """

    def __init__(self, portal: Portal, inner: AsyncWorker, slots: int) -> None:
        """Made by the client; connects in `run`."""
        super().__init__(portal, inner)
        self._slots = slots
        self._threads: ThreadPoolExecutor | None = None

    @property
    def worker_id(self) -> str:
        """Unique name of this process; jobs may be pinned to it."""
        return self.inner.worker_id

    def job(self, kind: str) -> Callable[[Handler], Handler]:
        """Makes a function the handler of a kind of job, `[A-Za-z0-9_.-]{1,128}`.

        Raises:
            ValueError: The kind has a handler.
        """

        def register(handler: Handler) -> Handler:
            async def in_thread(work: AsyncWork) -> object:
                return await self._in_thread(handler, work)

            self.inner.job(kind, on_cancel="signal")(in_thread)
            return handler

        return register

    def run(self, *, signals: bool = True) -> None:
        """Works until drained.

        Args:
            signals: Drain at SIGTERM or SIGINT, and `leave` at a second one. For the main thread;
                elsewhere nothing is listened for.

        Raises:
            RoomcastError: The core refuses this worker for good: its token, name, kinds or slots.
            ValueError: There is no handler.
        """
        listening = self._listening() if signals else nullcontext()
        with (
            ThreadPoolExecutor(self._slots * THREADS_OF_SLOT, "roomcast job") as self._threads,
            listening,
        ):
            self.portal.call(self.inner.run(signals=False))

    def drain(self) -> None:
        """Takes no more jobs. `run` returns when those under way have ended."""
        self.portal.soon(self.inner.drain)

    def leave(self) -> None:
        """Drains, and gives back what is under way: handlers are asked to end, their jobs released."""
        self.portal.soon(self.inner.leave)

    def interrupt(self) -> None:
        """What a signal does: drains; the second time, leaves."""
        self.portal.soon(self.inner.interrupt)

    async def _in_thread(self, handler: Handler, inner: AsyncWork) -> object:
        work = Work(self.portal, inner)

        def run() -> object:
            try:
                return handler(work)
            finally:
                work.close_outputs()

        context = contextvars.copy_context()
        mirror = asyncio.create_task(work.mirror())
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, context.run, run)
        except asyncio.CancelledError:
            # The worker has ended, and waits for the thread.
            work.lost.set()
            work.stopped.set()
            raise
        finally:
            mirror.cancel()

    @contextmanager
    def _listening(self) -> Iterator[None]:
        is_main = threading.current_thread() is threading.main_thread()
        heard = SIGNALS if is_main else ()
        before = [
            signal.signal(number, lambda _number, _frame: self.interrupt()) for number in heard
        ]
        try:
            yield
        finally:
            for number, handler in zip(heard, before, strict=True):
                signal.signal(number, handler)
