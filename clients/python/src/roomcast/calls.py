"""Calls of the contract: typed, with credentials, and tried again where that helps.

Everything that a client asks may be asked twice: what changes something carries an idempotency key. So
a call whose answer was lost is made again with the same key, at the next core if there is one.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

import grpc
from google.protobuf.message import Message

from roomcast.cores import Cores
from roomcast.credentials import Credentials
from roomcast.errors import RoomcastError, Unavailable, error_of

# Longer than a core's restart; the core itself answers in milliseconds.
CALL_TIMEOUT = 30.0
# The wait before the second try; doubled up to RETRY_MAX, and drawn between half of it and all of it.
RETRY_FIRST = 0.05
RETRY_MAX = 2.0

RequestT = TypeVar("RequestT", bound=Message)
ResponseT = TypeVar("ResponseT", bound=Message)
ItemT = TypeVar("ItemT")


@dataclass(frozen=True)
class Method(Generic[RequestT, ResponseT]):
    """A call of the contract: its path and its messages."""

    path: str
    request: type[RequestT]
    response: type[ResponseT]


class Backoff:
    """How long to wait before the next try."""

    def __init__(self) -> None:
        """Begins with the first wait."""
        self._longest = RETRY_FIRST

    def next(self, at_least: float = 0.0) -> float:
        """Seconds; more every time, and drawn so that many clients do not come back at once."""
        drawn = random.uniform(self._longest / 2, self._longest)  # noqa: S311 (a wait is no secret)
        self._longest = min(self._longest * 2, RETRY_MAX)
        return max(drawn, at_least)

    def reset(self) -> None:
        """It has worked."""
        self._longest = RETRY_FIRST


class Calls:
    """Makes calls in somebody's name."""

    def __init__(
        self, cores: Cores, credentials: Credentials, timeout: float = CALL_TIMEOUT
    ) -> None:
        """Opens nothing yet; `timeout` is that of calls which do not say another."""
        self._cores = cores
        self._credentials = credentials
        self._timeout = timeout

    @property
    def may_renew(self) -> bool:
        """Whether another call may go with another token."""
        return self._credentials.may_renew

    def of_worker(self) -> Calls:
        """The same cores with a worker's hands."""
        return Calls(self._cores, self._credentials.of_worker(), self._timeout)

    async def ask(
        self,
        method: Method[RequestT, ResponseT],
        request: RequestT,
        *,
        timeout: float | None = None,
    ) -> ResponseT:
        """One question, one answer.

        Args:
            method: Which call.
            request: Its message. It must be one that may be asked twice.
            timeout: Seconds in all: tries, waits, and the tokens for them. None means the client's.

        Raises:
            RoomcastError: The core's refusal, or `Unavailable` when none answered in time, or there was
                no token to ask with.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + (self._timeout if timeout is None else timeout)
        backoff, untried = Backoff(), len(self._cores)
        while True:
            metadata = await self._credentials.metadata(until - loop.time())
            channel = self._cores.channel
            # A core that is silent leaves the others their share of the time.
            share = (until - loop.time()) / max(untried, 1)
            untried -= 1
            call = channel.unary_unary(
                method.path,
                request_serializer=method.request.SerializeToString,
                response_deserializer=method.response.FromString,
            )
            try:
                return await call(request, timeout=share, metadata=metadata)
            except grpc.aio.AioRpcError as status:
                error = error_of(status)
                if isinstance(error, Unavailable):
                    self.move_on(channel)
                wait = backoff.next(_wait_said(error))
                if not error.retryable or loop.time() + wait > until:
                    raise error from status
            await asyncio.sleep(wait)

    async def pages(
        self,
        method: Method[RequestT, ResponseT],
        request: RequestT,
        read: Callable[[ResponseT], tuple[Iterable[ItemT], str]],
    ) -> AsyncGenerator[ItemT, None]:
        """All of a list, page by page.

        Args:
            method: Which list.
            request: For its first page.
            read: What is on a page, and the token of the next one; empty after the last.

        Raises:
            RoomcastError: As `ask` does, for any page.
        """
        while True:
            items, token = read(await self.ask(method, request))
            for item in items:
                yield item
            if not token:
                return
            request.MergeFrom(method.request(page_token=token))

    @property
    def channel(self) -> grpc.aio.Channel:
        """The core in use."""
        return self._cores.channel

    def move_on(self, channel: grpc.aio.Channel) -> None:
        """Leaves a core that is not well for the next one."""
        self._cores.leave(channel)

    async def stream(
        self, method: Method[RequestT, ResponseT], request: RequestT
    ) -> AsyncGenerator[ResponseT, None]:
        """One question, many answers; until the core ends them, or it is left.

        Raises:
            RoomcastError: The core's refusal, or `Unavailable` when it went away.
        """
        metadata = await self._credentials.metadata()
        channel = self._cores.channel
        open_stream = channel.unary_stream(
            method.path,
            request_serializer=method.request.SerializeToString,
            response_deserializer=method.response.FromString,
        )
        call = open_stream(request, metadata=metadata)
        try:
            async for response in call:
                yield response
        except grpc.aio.AioRpcError as status:
            error = error_of(status)
            if isinstance(error, Unavailable):
                self.move_on(channel)
            raise error from status
        finally:
            call.cancel()

    async def converse(
        self, method: Method[RequestT, ResponseT]
    ) -> grpc.aio.StreamStreamCall[RequestT, ResponseT]:
        """Messages both ways, with the core in use."""
        metadata = await self._credentials.metadata()
        open_stream: grpc.aio.StreamStreamMultiCallable[RequestT, ResponseT]
        open_stream = self._cores.channel.stream_stream(
            method.path,
            request_serializer=method.request.SerializeToString,
            response_deserializer=method.response.FromString,
        )
        return open_stream(metadata=metadata)


def new_key() -> str:
    """An idempotency key that nobody else has."""
    return uuid.uuid4().hex


def _wait_said(error: RoomcastError) -> float:
    """A core that is not there says nothing about when it is; one that is full does."""
    return 0.0 if isinstance(error, Unavailable) else error.retry_after or 0.0
