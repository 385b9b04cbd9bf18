"""Whatever is asked ends: nobody who calls is held for ever, neither by a core nor by a token."""

import asyncio
import inspect
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

import pytest
from eventually import PATIENCE, soon
from server import Server

from roomcast import AsyncClient, Client, Unavailable, credentials
from roomcast.v1 import Command, Role

Name = Callable[[], str]
LIMIT = 0.2
# What these are called by; whatever else must be given is a text.
ARGUMENTS: dict[str, object] = {
    "data": {},
    "events": [("x", {})],
    "metrics": {},
    "command": Command(),
    "role": Role.ROLE_VIEWER,
}
# These go on by themselves; `wait` has a limit of its own.
ENDLESS = {"watch", "wait"}


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a core to which connections come about, and which says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def calls_of(client: AsyncClient) -> dict[str, Awaitable[object]]:
    """Each of the client's calls, once."""
    calls: dict[str, Awaitable[object]] = {}
    for part_name, part in vars(client).items():
        if part_name.startswith("_"):
            continue
        for name, method in inspect.getmembers(part, inspect.ismethod):
            if name.startswith("_") or name in ENDLESS:
                continue
            needed = [
                ARGUMENTS.get(parameter.name, "x")
                for parameter in inspect.signature(method).parameters.values()
                if parameter.default is parameter.empty
            ]
            called = method(*needed)
            calls[f"{part_name}.{name}"] = (
                anext(called) if isinstance(called, AsyncGenerator) else called
            )
    return calls


async def test_every_call_has_a_limit(silent: str) -> None:
    async with AsyncClient(silent, timeout=LIMIT) as client:
        calls = calls_of(client)
        failed = await soon(asyncio.gather(*calls.values(), return_exceptions=True))
    assert len(calls) > 30
    told = dict(zip(calls, failed, strict=True))
    assert {name: type(error) for name, error in told.items()} == dict.fromkeys(told, Unavailable)
    assert all(error.retryable and error.mend for error in failed if isinstance(error, Unavailable))


async def test_a_core_that_stands_still_holds_nobody(own_server: Server) -> None:
    async with AsyncClient(own_server.core, timeout=LIMIT) as client:
        await client.topics.publish("user:x", "x", {}, timeout=PATIENCE)
        with own_server.standing_still():
            for call in (client.topics.publish("user:x", "x", {}), client.topics.get("user:x")):
                with pytest.raises(Unavailable) as refused:
                    await soon(call)
                assert refused.value.retryable
        await client.topics.publish("user:x", "x", {}, timeout=PATIENCE)


def test_a_thread_that_calls_has_the_same_limit(silent: str) -> None:
    with Client(silent, timeout=LIMIT) as client:
        began = time.monotonic()
        with pytest.raises(Unavailable):
            client.jobs.create("x")
        assert time.monotonic() - began < PATIENCE


async def test_a_provider_that_blocks_holds_up_nothing_else(server: Server, name: Name) -> None:
    blocked, go = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def block() -> str:
        loop.call_soon_threadsafe(blocked.set)
        go.wait(PATIENCE)
        return "late"

    async with AsyncClient(server.core, token=block) as held, AsyncClient(server.core) as other:
        holding = asyncio.create_task(held.topics.publish("user:x", "x", {}, timeout=LIMIT))
        await soon(blocked.wait())
        await soon(other.topics.publish(f"user:{name()}", "x", {}))
        assert not go.is_set()
        with pytest.raises(Unavailable, match="TimeoutError"):
            await soon(holding)
    go.set()


async def test_more_providers_than_there_are_threads_for_are_not_asked(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()
    monkeypatch.setattr(credentials, "_asking", threading.BoundedSemaphore(1))

    async with AsyncClient(server.core, token=lambda: str(go.wait(PATIENCE))) as client:
        with pytest.raises(Unavailable, match="TimeoutError"):
            await soon(client.topics.publish("user:x", "x", {}, timeout=LIMIT))
        with pytest.raises(Unavailable, match="are being asked"):
            await soon(client.topics.publish("user:x", "x", {}))
    go.set()


HELD = r"""
import sys, threading
from roomcast import Client, Unavailable
with Client(sys.argv[1], token=lambda: threading.Event().wait(), timeout=0.1) as client:
    try:
        client.jobs.get("x")
    except Unavailable as error:
        print(error.code, error.retryable, error, sep="\n")
"""


def test_a_program_ends_though_its_provider_never_answers(server: Server) -> None:
    command = [sys.executable, "-c", HELD, server.core]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    failure = "the provider of the token failed: TimeoutError [token_unavailable]: see why the provider fails"
    assert ended.stdout.splitlines() == ["token_unavailable", "True", failure]
    assert ended.stderr == ""
