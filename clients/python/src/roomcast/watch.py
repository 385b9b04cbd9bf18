"""Following a topic through lost connections, by its cursor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message

from roomcast.calls import Backoff, Calls, Method, RequestT
from roomcast.errors import NotPermitted, RoomcastError
from roomcast.v1 import (
    CloseReason,
    Event,
    WatchJobResponse,
    WatchSessionResponse,
    WatchTopicResponse,
)

FrameT = TypeVar("FrameT", bound=WatchJobResponse | WatchSessionResponse | WatchTopicResponse)
SnapshotT = TypeVar("SnapshotT", bound=Message)


@dataclass(frozen=True)
class Watch(Generic[RequestT, FrameT, SnapshotT]):
    """What is followed: the call, its question after a cursor, and its snapshots."""

    method: Method[RequestT, FrameT]
    request: Callable[[str], RequestT]
    snapshot: Callable[[FrameT], SnapshotT]
    cursor: Callable[[SnapshotT], str]

    async def follow(self, calls: Calls, since: str) -> AsyncGenerator[SnapshotT | Event, None]:
        """Every event once, in order, until the topic has ended.

        A snapshot comes first unless `since` can be followed, and again wherever events are missed for
        good: it replaces whatever was known before it.

        Raises:
            RoomcastError: What does not pass by itself, such as `NotFound`.
        """
        cursor, backoff = since, Backoff()
        while True:
            channel, pause, has_heard = calls.channel, 0.0, False
            try:
                async with aclosing(calls.stream(self.method, self.request(cursor))) as frames:
                    async for frame in frames:
                        has_heard = True
                        backoff.reset()
                        kind = frame.WhichOneof("frame")
                        if kind == "snapshot":
                            snapshot = self.snapshot(frame)
                            cursor = self.cursor(snapshot)
                            yield snapshot
                        elif kind == "event":
                            cursor = frame.event.cursor
                            yield frame.event
                        elif kind == "caught_up":
                            cursor = frame.caught_up.cursor or cursor
                        elif kind == "heartbeat":
                            cursor = frame.heartbeat.cursor or cursor
                        elif kind == "closed":
                            if _is_end(frame.closed.reason):
                                return
                            calls.move_on(channel)
                            break
            except RoomcastError as error:
                if not (error.retryable or (has_heard and error.code == "token_expired")):
                    raise
                pause = error.retry_after or 0.0
            await asyncio.sleep(backoff.next(pause))


def _is_end(reason: CloseReason) -> bool:
    if reason == CloseReason.CLOSE_REASON_REVOKED:
        raise NotPermitted("permission_denied", "the right to the topic is gone")
    return reason == CloseReason.CLOSE_REASON_ENDED
