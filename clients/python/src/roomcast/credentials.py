"""Who is calling, and whom to trust."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import grpc

from roomcast import trace
from roomcast.errors import RoomcastError, Unavailable

# A provider asks an issuer, which answers in moments or is not well; a worker's lease is longer.
PROVIDER_TIMEOUT = 10.0
# Threads of a process in which providers are asked. One that never answers keeps its thread.
ASKING_MAX = 1_000

ResultT = TypeVar("ResultT")

Token = str | Callable[[], str] | Callable[[], Awaitable[str]]
"""A token, or a function that answers one: it is asked before every call, and unless it is async in a thread
of its own, which takes a quarter of a millisecond. When it fails, or takes more than 10 s, the call fails as
`Unavailable`, and a worker tries again."""

_asking = threading.BoundedSemaphore(ASKING_MAX)


@dataclass(frozen=True)
class Tls:
    """Whom to trust, and what to show. Paths of PEM files.

    Attributes:
        ca: Who signed the core's certificate; without it, whom the system trusts.
        certificate: Your own certificate, which opens the core's door like a service token.
        key: Its key.
    """

    ca: Path | str | None = None
    certificate: Path | str | None = None
    key: Path | str | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """As gRPC takes them.

        Raises:
            OSError: A file cannot be read.
            ValueError: A certificate without its key, or a key without its certificate.
        """
        if (self.certificate is None) != (self.key is None):
            raise ValueError("a certificate goes with its key")
        ca, key, certificate = map(_read, (self.ca, self.key, self.certificate))
        return grpc.ssl_channel_credentials(ca, key, certificate)


def _read(path: Path | str | None) -> bytes | None:
    return None if path is None else Path(path).read_bytes()


@dataclass(frozen=True)
class Credentials:
    """What goes with every call. Its `repr` shows nothing of the tokens.

    Attributes:
        token: The user in whose name calls are made.
        service_token: Opens the core's door to services and workers.
    """

    token: Token | None = field(default=None, repr=False)
    service_token: Token | None = field(default=None, repr=False)

    @property
    def may_renew(self) -> bool:
        """Whether another call may go with another token."""
        return callable(self.token) or callable(self.service_token)

    def of_worker(self) -> Credentials:
        """Without the user: beside a service token that would only narrow the rights."""
        return self if self.service_token is None else Credentials(None, self.service_token)

    async def metadata(self, timeout: float = PROVIDER_TIMEOUT) -> grpc.aio.Metadata:
        """Asks for the tokens, and waits so many seconds for all of them.

        Raises:
            RoomcastError: What a provider has raised; `Unavailable` for what is none.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + min(timeout, PROVIDER_TIMEOUT)
        metadata = grpc.aio.Metadata(("traceparent", trace.child()))
        if self.token is not None:
            token = await _ask(self.token, until - loop.time())
            metadata.add("authorization", f"Bearer {token}")
        if self.service_token is not None:
            token = await _ask(self.service_token, until - loop.time())
            metadata.add("x-roomcast-service", token)
        return metadata


async def _ask(token: Token, timeout: float) -> str:
    try:
        if not isinstance(token, str):
            token = await asyncio.wait_for(_provided(token), timeout)
        return token.strip()
    except RoomcastError:
        raise
    except Exception as error:
        # Its words may hold what nobody is to see; they stay with the cause.
        message = f"the provider of the token failed: {type(error).__name__}"
        mend = "see why the provider fails"
        raise Unavailable("token_unavailable", message, retryable=True, mend=mend) from error


async def _provided(provide: Callable[[], str | Awaitable[str]]) -> str:
    given: str | Awaitable[str]
    given = provide() if inspect.iscoroutinefunction(provide) else await _in_a_thread(provide)
    return given if isinstance(given, str) else await given


async def _in_a_thread(provide: Callable[[], ResultT]) -> ResultT:
    """One that waits for something holds up nobody else, nor the end of the program."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[ResultT] = loop.create_future()
    context, asking = contextvars.copy_context(), _asking

    def settle(set_answer: Callable[[Any], None], given: object) -> None:
        # Nobody waits for one that is late.
        if not answer.done():
            set_answer(given)

    def ask() -> None:
        settled: tuple[Callable[[Any], None], object]
        try:
            settled = (answer.set_result, context.run(provide))
        except Exception as error:  # noqa: BLE001 (whatever it is, the caller is told)
            settled = (answer.set_exception, error)
        finally:
            asking.release()
        # A loop that has ended waits for nothing.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, *settled)

    if not asking.acquire(blocking=False):
        raise Unavailable("overloaded", f"{ASKING_MAX} providers of tokens are being asked")
    threading.Thread(target=ask, name="roomcast-token", daemon=True).start()
    return await answer
