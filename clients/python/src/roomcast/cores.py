"""The cores that a client may talk to, of which it talks to one that answers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import ClassVar

import grpc

from roomcast.credentials import Tls

# A session with all its graphs has tens of megabytes.
MESSAGE_BYTES_MAX = 64 << 20
# Silence of a dead core must not look like that of one with nothing to say.
KEEPALIVE_MS = 10_000
KEEPALIVE_TIMEOUT_MS = 5_000
# An address that swallows packets is given up for the next one after so long.
CONNECT_TIMEOUT_MS = 5_000
# A core is back within seconds; gRPC's own waits grow to two minutes.
RECONNECT_FIRST_MS = 50
RECONNECT_MAX_MS = 1_000

_OPTIONS = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ("grpc.keepalive_time_ms", KEEPALIVE_MS),
    ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.min_reconnect_backoff_ms", CONNECT_TIMEOUT_MS),
    ("grpc.initial_reconnect_backoff_ms", RECONNECT_FIRST_MS),
    ("grpc.max_reconnect_backoff_ms", RECONNECT_MAX_MS),
    # A connection of its own for each client: what ends one must not end another's.
    ("grpc.use_local_subchannel_pool", 1),
)


class Cores:
    """Channels to the cores, one of them in use. Whoever sees it fail goes on to the next."""

    # The process that speaks gRPC: in one that is forked from it gRPC hangs, or ends it.
    _process: ClassVar[int | None] = None

    def __init__(self, addresses: str | Sequence[str], tls: Tls | None) -> None:
        """Opens no connection yet.

        Raises:
            ValueError: No address, or one that is no `host:port` or URL of one.
            OSError: A file of `tls` cannot be read.
        """
        given = addresses.split(",") if isinstance(addresses, str) else addresses
        self._targets = [_target(address.strip(), tls) for address in given]
        if not self._targets:
            raise ValueError("the address of a core is needed, such as 127.0.0.1:50051")
        self._credentials = None if tls is None else tls.credentials()
        self._channels: dict[int, grpc.aio.Channel] = {}
        # That of the first call: channels are of no other.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._at = 0
        self._is_closed = False

    def __len__(self) -> int:
        """How many there are."""
        return len(self._targets)

    @property
    def channel(self) -> grpc.aio.Channel:
        """The one in use.

        Raises:
            RuntimeError: The client was closed, or belongs to another event loop; or this process was
                forked from one that has called a core.
        """
        if self._is_closed:
            raise RuntimeError("the client is closed")
        loop = asyncio.get_running_loop()
        self._loop = self._loop or loop
        if loop is not self._loop:
            raise RuntimeError(
                "the client belongs to another event loop: make one in each, or use `Client`"
            )
        # Opened here and not before: it belongs to the event loop that runs.
        if self._at not in self._channels:
            self._channels[self._at] = self._open(self._targets[self._at])
        return self._channels[self._at]

    def leave(self, channel: grpc.aio.Channel) -> None:
        """Goes on to the next, unless somebody else has already left this one."""
        if channel is self._channels.get(self._at):
            self._at = (self._at + 1) % len(self._targets)

    async def close(self) -> None:
        """Ends all connections, and the calls on them."""
        self._is_closed = True
        for channel in self._channels.values():
            await channel.close()

    def _open(self, target: str) -> grpc.aio.Channel:
        Cores._process = Cores._process or os.getpid()
        if Cores._process != os.getpid():
            raise RuntimeError(
                "the process that this one was forked from has called a core: fork before, or spawn"
            )
        if self._credentials is None:
            return grpc.aio.insecure_channel(target, options=_OPTIONS)
        return grpc.aio.secure_channel(target, self._credentials, options=_OPTIONS)


def _target(address: str, tls: Tls | None) -> str:
    scheme, separator, rest = address.rpartition("://")
    if separator and scheme not in ("http", "https"):
        raise ValueError(f"`{address}` is no address of a core: http and https are")
    if scheme == "https" and tls is None:
        raise ValueError(f"`{address}` needs tls=Tls(…)")
    if scheme == "http" and tls is not None:
        raise ValueError(f"`{address}` would send in the clear what tls=Tls(…) is to protect")
    host, colon, port = rest.rstrip("/").rpartition(":")
    if not (host and colon and port.isdigit()):
        raise ValueError(f"`{address}` is no address of a core, such as 127.0.0.1:50051")
    return f"dns:///{host}:{port}"
