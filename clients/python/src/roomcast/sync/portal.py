"""An event loop in a thread of its own, for those who have none."""

from __future__ import annotations

import asyncio
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
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        """Starts the thread; a daemon, so that a client that was not closed keeps no process."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="roomcast", daemon=True)
        self._thread.start()

    @classmethod
    def enter(cls) -> Portal:
        """The process's portal, until `leave`."""
        with cls._lock:
            if cls._shared is None:
                cls._shared = cls()
            cls._users += 1
            return cls._shared

    def leave(self) -> None:
        """One user less; the last one ends the loop."""
        with self._lock:
            Portal._users -= 1
            if Portal._users:
                return
            Portal._shared = None
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    @property
    def is_open(self) -> bool:
        """Whether the loop runs."""
        return self._loop.is_running()

    def call(self, coroutine: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Runs a coroutine and waits for its end. It is cancelled if the wait is interrupted.

        Raises:
            RuntimeError: The client was closed, or this is the loop's own thread.
        """
        if threading.current_thread() is self._thread or not self.is_open:
            coroutine.close()
            raise RuntimeError("the client is closed, or the call comes from its own event loop")
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def soon(self, callback: Callable[[], object]) -> None:
        """Runs a function in the loop, without waiting. For signal handlers, too."""
        self._loop.call_soon_threadsafe(callback)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()
