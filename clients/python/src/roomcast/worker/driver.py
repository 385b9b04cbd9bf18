"""Keeps a worker's stream open and moves messages between it and the work."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

import grpc

from roomcast.calls import Backoff, Calls, Method
from roomcast.errors import (
    InvalidRequest,
    NotAuthenticated,
    NotPermitted,
    RoomcastError,
    error_of,
)
from roomcast.v1 import (
    Assignment,
    Beat,
    Job,
    Lease,
    ReportRefused,
    Welcome,
    WorkerDrain,
    WorkerHello,
    WorkRequest,
    WorkResponse,
)
from roomcast.worker.held import Held

# The core welcomes at once, or is not well.
WELCOME_TIMEOUT = 10.0
# When the core is full, or its disk is, and does not say how long.
RETRY_AFTER = 0.5
# A core that has heard the last message ends the stream at once.
FAREWELL_TIMEOUT = 5.0
# For a core that names no interval.
BEAT_INTERVAL = 5.0

_WORK = Method("/roomcast.v1.JobService/Work", WorkRequest, WorkResponse)

_log = logging.getLogger("roomcast.worker")

# Coming back does not help: who we are, or what we say, is refused.
_FINAL = (InvalidRequest, NotAuthenticated, NotPermitted)


class Driver:
    """One worker's stream, through as many connections as it takes."""

    def __init__(
        self, calls: Calls, hello: WorkerHello, assigned: Callable[[Job, Held], None]
    ) -> None:
        """Connects in `run`; every job goes to `assigned`, which must not wait."""
        self._calls = calls
        self._hello = hello
        self._assigned = assigned
        self._held: dict[tuple[str, int], Held] = {}
        self._is_draining = False
        # What waits to be sent, beside reports.
        self._is_drain_due = False
        self._next_beat = 0.0
        # Set when there may be something to send.
        self._mail = asyncio.Event()

    @property
    def is_done(self) -> bool:
        """Drained, and every job has its end on record."""
        return self._is_draining and not self._held

    def drain(self) -> None:
        """Takes no more jobs. `run` ends when those that are held have ended."""
        self._is_draining = self._is_drain_due = True
        self._mail.set()

    def let_go(self, held: Held) -> None:
        """Nobody works on it any more."""
        self._held.pop((held.lease.job_id, held.lease.fence), None)
        self._mail.set()

    async def run(self) -> None:
        """Works until drained.

        Raises:
            RoomcastError: The core refuses this worker for good.
        """
        backoff = Backoff()
        try:
            while not self.is_done:
                try:
                    await self._connect(backoff)
                except RoomcastError as error:
                    may_renew = error.code == "token_expired" and self._calls.may_renew
                    if isinstance(error, _FINAL) and not may_renew:
                        raise
                    _log.info("the stream to the core broke off: %s", error)
                await self._pause(backoff.next())
        finally:
            for held in list(self._held.values()):
                held.lose()

    async def _connect(self, backoff: Backoff) -> None:
        """One connection, from hello to its end."""
        channel = self._calls.channel
        stream = await self._calls.converse(_WORK)
        try:
            hello = WorkerHello(held=[held.lease for held in self._held.values()])
            hello.MergeFrom(self._hello)
            # Of a stream that is refused at once, reading tells why.
            with suppress(asyncio.InvalidStateError):
                await stream.write(WorkRequest(hello=hello))
            first = await asyncio.wait_for(stream.read(), WELCOME_TIMEOUT)
            if not isinstance(first, WorkResponse) or not first.HasField("welcome"):
                return
            backoff.reset()
            for held in self._held.values():
                held.rewind()
            self._is_drain_due = self._is_draining
            self._mail.set()
            await self._converse(stream, first.welcome)
        except grpc.aio.AioRpcError as status:
            raise error_of(status) from status
        except asyncio.TimeoutError:
            # No welcome.
            pass
        finally:
            stream.cancel()
            if not self.is_done:
                self._calls.move_on(channel)

    async def _converse(
        self, stream: grpc.aio.StreamStreamCall[WorkRequest, WorkResponse], welcome: Welcome
    ) -> None:
        """Ends when all is done, or the connection is to be left."""
        beat = welcome.beat_interval.ToTimedelta().total_seconds() or BEAT_INTERVAL
        tasks = [
            asyncio.create_task(self._hear_all(stream)),
            asyncio.create_task(self._send_all(stream, beat)),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _hear_all(self, stream: grpc.aio.StreamStreamCall[WorkRequest, WorkResponse]) -> None:
        while isinstance(response := await stream.read(), WorkResponse):
            if response.HasField("draining"):
                return
            self._hear(response)

    async def _send_all(
        self, stream: grpc.aio.StreamStreamCall[WorkRequest, WorkResponse], beat: float
    ) -> None:
        loop = asyncio.get_running_loop()
        self._next_beat = loop.time() + beat
        while True:
            self._mail.clear()
            request = self._next_mail(loop.time(), beat)
            if request is not None:
                try:
                    await stream.write(request)
                except asyncio.InvalidStateError:
                    return
            elif self.is_done:
                # The core ends the stream when it has heard this. Before, it may send one more job, of
                # which the next connection tells.
                await stream.done_writing()
                await asyncio.sleep(FAREWELL_TIMEOUT)
                return
            else:
                retries = (held.retry_at for held in self._held.values())
                until = min(filter(None, (self._next_beat, *retries)))
                await _wait(self._mail, until - loop.time())

    async def _pause(self, wait: float) -> None:
        """Before the next connection, while reports go on into their rings."""
        loop = asyncio.get_running_loop()
        until = loop.time() + wait
        while not self.is_done and loop.time() < until:
            self._mail.clear()
            await _wait(self._mail, until - loop.time())

    def _next_mail(self, now: float, beat: float) -> WorkRequest | None:
        if self._is_drain_due:
            self._is_drain_due = False
            return WorkRequest(drain=WorkerDrain())
        if now >= self._next_beat:
            self._next_beat = now + beat
            return WorkRequest(beat=Beat(held=[held.lease for held in self._held.values()]))
        for key, held in self._held.items():
            if held.retry_at is not None and held.retry_at <= now:
                held.rewind()
            if held.may_send:
                # To the end of the queue: who says much does not hold up the others.
                self._held[key] = self._held.pop(key)
                return WorkRequest(report=held.ring.next_unsent())
        return None

    def _hear(self, response: WorkResponse) -> None:
        kind = response.WhichOneof("response")
        if kind == "assignment":
            self._assign(response.assignment)
        elif kind == "ack":
            ack = response.ack
            held = self._held.get((ack.job_id, ack.fence))
            if held is not None:
                held.settle(ack.number)
        elif kind == "cancel":
            held = self._held.get((response.cancel.job_id, response.cancel.fence))
            if held is not None:
                held.cancel(response.cancel)
        elif kind == "lost":
            held = self._held.pop((response.lost.job_id, response.lost.fence), None)
            if held is not None:
                held.lose()
        elif kind == "refused":
            self._refused(response.refused)
        # A refusal or an acknowledgement makes room, and perhaps an end.
        self._mail.set()

    def _refused(self, refused: ReportRefused) -> None:
        held = self._held.get((refused.job_id, refused.fence))
        if held is not None and held.refuse(refused.number, refused.error):
            said = refused.retry_after.ToTimedelta().total_seconds()
            held.retry_at = asyncio.get_running_loop().time() + (said or RETRY_AFTER)

    def _assign(self, assignment: Assignment) -> None:
        lease = Lease(job_id=assignment.job.job_id, fence=assignment.fence)
        key = (lease.job_id, lease.fence)
        if key not in self._held:
            held = self._held[key] = Held(lease, self._mail.set)
            self._assigned(assignment.job, held)


async def _wait(event: asyncio.Event, timeout: float) -> None:
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(event.wait(), max(timeout, 0.0))
