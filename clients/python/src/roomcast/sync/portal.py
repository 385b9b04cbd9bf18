"""An event loop in a thread of its own, for those who have none."""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, TypeVar

ResultT = TypeVar("ResultT")


class Portal:
    """Runs coroutines for threads that wait for them.

    One loop serves all clients of a process: gRPC polls for one loop at a time. It ends with the last of
    them.
    """

    _shared: ClassVar[Portal | None] = None
    _users: ClassVar[int] = 0
    # Taken again by the thread that has it, where garbage that is found there closes a stream.
    _lock: ClassVar[threading.RLock] = threading.RLock()

    def __init__(self) -> None:
        """Starts the thread; it ends with the program, so that a client that was not closed keeps none."""
        self._loop = asyncio.new_event_loop()
        self._is_open = True
        self._process = os.getpid()
        self._thread = threading.Thread(target=self._run, name="roomcast", daemon=True)
        self._thread.start()
        # Before the interpreter takes the objects apart: a stream that is closed then waits for the loop.
        atexit.register(self._close)

    @classmethod
    def enter(cls) -> Portal:
        """The process's portal, until `leave`."""
        with cls._lock:
            if cls._shared is None:
                cls._shared = cls()
            cls._users += 1
            return cls._shared

    def leave(self) -> None:
        """One user less; the last one ends the loop, and what runs in it."""
        with self._lock:
            if Portal._shared is not self:
                return
            Portal._users -= 1
            if Portal._users:
                return
            Portal._shared = None
        self._close()

    @classmethod
    def forked(cls) -> None:
        """Leaves the loop behind, whose thread is the parent's: the next client has another."""
        cls._shared, cls._users, cls._lock = None, 0, threading.RLock()

    @property
    def is_open(self) -> bool:
        """Whether the loop takes coroutines. In a child process it would never run them."""
        return self._is_open and self._process == os.getpid()

    def call(self, coroutine: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Runs a coroutine and waits for its end. It is cancelled if the wait is interrupted.

        Raises:
            RuntimeError: The client was closed, perhaps meanwhile, or made before this process was forked;
                or this is the loop's own thread.
        """
        # With the lock: what the loop was given before its end is ended there, and waited for by nobody.
        with self._lock:
            if threading.current_thread() is self._thread or not self.is_open:
                coroutine.close()
                raise RuntimeError(
                    "the client is closed, or of the process that this one was forked from, or the "
                    "call comes from its own event loop"
                )
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise RuntimeError("the client is closed") from None
        except BaseException:
            future.cancel()
            raise

    def soon(self, callback: Callable[[], object]) -> None:
        """Runs a function in the loop, without waiting. For signal handlers, too."""
        self._loop.call_soon_threadsafe(callback)

    def _close(self) -> None:
        with self._lock:
            if not self.is_open:
                return
            self._is_open = False
        atexit.unregister(self._close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._end())
            self._loop.close()

    async def _end(self) -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._loop.shutdown_asyncgens()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=Portal.forked)
