"""Who is calling, and whom to trust."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from roomcast import trace
from roomcast.errors import RoomcastError, Unavailable

# A provider asks an issuer, which answers in moments or is not well; a worker's lease is longer.
PROVIDER_TIMEOUT = 10.0

Token = str | Callable[[], str] | Callable[[], Awaitable[str]]
"""A token, or a function that answers one: it is asked before every call. One that waits for something is
to be async: nothing else goes on while the other kind is asked. When it fails, or takes more than 10 s, the
call fails as `Unavailable`, and a worker tries again."""


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
        """Asks for the tokens, and waits for each so many seconds at most.

        Raises:
            RoomcastError: What a provider has raised; `Unavailable` for what is none.
        """
        metadata = grpc.aio.Metadata(("traceparent", trace.child()))
        if self.token is not None:
            metadata.add("authorization", f"Bearer {await _ask(self.token, timeout)}")
        if self.service_token is not None:
            metadata.add("x-roomcast-service", await _ask(self.service_token, timeout))
        return metadata


async def _ask(token: Token, timeout: float) -> str:
    try:
        given = token if isinstance(token, str) else token()
        if inspect.isawaitable(given):
            given = await asyncio.wait_for(given, min(timeout, PROVIDER_TIMEOUT))
        return given.strip()
    except RoomcastError:
        raise
    except Exception as error:
        # Its words may hold what nobody is to see; they stay with the cause.
        message = f"the provider of the token failed: {type(error).__name__}"
        raise Unavailable("core_unavailable", message) from error
